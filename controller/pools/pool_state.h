#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lib/kube/api_time.h"

namespace nodedevice {

// Where a MachineConfigPool stands with a configuration whose deviceManager.mode is Manage. The
// first of these that a pool is in is the reason of the condition PoolsConfigured.
enum class PoolState {
  // Somebody has to do something.
  kRejected,                 // the machine-config-operator refused our KubeletConfig: withdrawn
  kWriteRefused,             // the API refuses what is to be written
  kForeignKubeletConfig,     // another KubeletConfig configures the pool, or stops it
  kTooManyKubeletConfigs,    // the operator takes no more of them
  kPoolDegraded,             // the pool cannot be updated
  kHostedControlPlane,       // nobody configures kubelets from inside this cluster
  kNoMachineConfigOperator,  // nor in this one
  kNoPools,                  // nodes are selected by a nodeSelector, which knows no pools
  // It waits until somebody wants it.
  kRefused,           // the configuration is refused, what was written stays
  kRebootNotAllowed,  // deviceManager.allowReboot is false
  kClusterUpgrading,
  kPoolPaused,
  // It is under way.
  kTearingDown,
  kPending,     // being written, or the operator has not said anything yet
  kAccepted,    // by the operator
  kRendered,    // the pool has it in its configuration
  kRollingOut,  // its nodes get it
  kComplete,
};

// "RollingOut": a word for conditions and for the status.
const char* ToString(PoolState state);
bool NeedsALook(PoolState state);
// The same of its word; false for any other.
bool NeedsALook(const std::string& word);
bool IsUnderWay(PoolState state);

struct PoolReport {
  std::string pool;  // empty: all of them
  PoolState state = PoolState::kComplete;
  std::string message;
};

// Of one configuration.
struct PoolsReport {
  std::vector<PoolReport> pools;          // empty: there is nothing to say
  std::optional<WallSeconds> look_again;  // it reads differently then
};

}  // namespace nodedevice
