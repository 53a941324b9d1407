#pragma once

// What is written for MachineConfigPools, and where each of them stands.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "controller/config_events.h"
#include "controller/membership.h"
#include "controller/observed.h"
#include "controller/pools/pool_state.h"
#include "controller/writes.h"
#include "lib/api/device_plugin_config.h"
#include "nlohmann/json.hpp"

namespace nodedevice {

// On a DevicePluginConfig while the label of a pool is to be taken off in order.
inline constexpr char kTeardownFinalizer[] = "nodedevices.io/teardown";
inline constexpr char kTeardownManager[] = "node-device-controller-teardown";
// On a DevicePluginConfig that is deleted: do not wait for pools.
inline constexpr char kOrphanAnnotation[] = "nodedevices.io/orphan";

// A DevicePluginConfig as far as this goes.
struct ManagedConfig {
  const nlohmann::json& object;
  const DevicePluginConfig& config;
  std::string uid;
  const Membership& membership;
  bool is_refused = false;  // what it has stays as it is
  bool is_leaving = false;  // it is being deleted, and has our finalizer
};

struct PoolsPlan {
  std::vector<Removal> remove;
  std::vector<Apply> apply;
  std::vector<ConfigEvent> events;
  std::map<std::string, PoolsReport> reports;  // by configuration
};

// One step for each pool; what it leads to is observed before the next. `configs` are in the order
// in which they may claim a pool.
//
// Setting up: the finalizer, if the pool needs our label; the label; then the KubeletConfig and,
// for spec.nodePreparation, the MachineConfig together, so that nodes reboot once. Whatever stands
// in the way (obstacles.h) is reported and nothing is written; what is there already stays.
// A KubeletConfig that the machine-config-operator refuses stops its pool, so it is removed, once
// the status remembers that, and comes back with the next generation of its configuration.
//
// Tearing down, when the mode is not Manage any more, a pool is not selected any more, or the
// configuration is being deleted: the objects; the label, when no KubeletConfig uses it and the
// nodes have rolled back; the finalizer. Nobody is asked for consent: whoever ends it wants that.
PoolsPlan PlanPools(const Observed& observed, const NodeSelection& selection,
                    const std::vector<ManagedConfig>& configs);

}  // namespace nodedevice
