#include "controller/pools/pool_state.h"

namespace nodedevice {

const char* ToString(PoolState state) {
  switch (state) {
    case PoolState::kRejected:
      return "Rejected";
    case PoolState::kWriteRefused:
      return "WriteRefused";
    case PoolState::kForeignKubeletConfig:
      return "ForeignKubeletConfig";
    case PoolState::kTooManyKubeletConfigs:
      return "TooManyKubeletConfigs";
    case PoolState::kPoolDegraded:
      return "PoolDegraded";
    case PoolState::kHostedControlPlane:
      return "HostedControlPlane";
    case PoolState::kNoMachineConfigOperator:
      return "NoMachineConfigOperator";
    case PoolState::kNoPools:
      return "NoPools";
    case PoolState::kRefused:
      return "Refused";
    case PoolState::kRebootNotAllowed:
      return "RebootNotAllowed";
    case PoolState::kClusterUpgrading:
      return "ClusterUpgrading";
    case PoolState::kPoolPaused:
      return "PoolPaused";
    case PoolState::kTearingDown:
      return "TearingDown";
    case PoolState::kPending:
      return "Pending";
    case PoolState::kAccepted:
      return "Accepted";
    case PoolState::kRendered:
      return "Rendered";
    case PoolState::kRollingOut:
      return "RollingOut";
    case PoolState::kComplete:
      return "Complete";
  }
  return "";
}

bool NeedsALook(PoolState state) { return state < PoolState::kRefused; }

bool NeedsALook(const std::string& word) {
  for (int i = 0; NeedsALook(static_cast<PoolState>(i)); ++i) {
    if (word == ToString(static_cast<PoolState>(i))) return true;
  }
  return false;
}

bool IsUnderWay(PoolState state) {
  return state >= PoolState::kTearingDown && state < PoolState::kComplete;
}

}  // namespace nodedevice
