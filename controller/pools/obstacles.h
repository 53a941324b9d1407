#pragma once

// What must hold before anything is written for a MachineConfigPool. Each function has an answer in
// words for an administrator, or none.

#include <optional>

#include "controller/membership.h"
#include "controller/observed.h"
#include "controller/pools/pool_state.h"
#include "lib/api/device_plugin_config.h"
#include "nlohmann/json.hpp"

namespace nodedevice {

// Of the cluster as a whole: nothing can be managed in it, or not for this configuration.
std::optional<PoolReport> ClusterObstacle(const Observed& observed,
                                          const DevicePluginConfig& config);

struct PoolQuestion {
  const Observed& observed;  // with the APIs of pools and KubeletConfigs
  const NodeSelection& selection;
  const DevicePluginConfig& config;
  std::string config_uid;
  const nlohmann::json& pool;
  const nlohmann::json& wanted;           // our KubeletConfig, as it is to be
  const nlohmann::json& kubelet_configs;  // those that there are and those that are to be written
};

// What is worth telling whether or not there is something to write: another KubeletConfig has the
// pool, or stops it, or is called as ours is to be; the pool is degraded.
std::optional<PoolReport> LastingObstacle(const PoolQuestion& question);

// What only keeps from writing: too many KubeletConfigs (`is_new`: ours would be one more), no
// consent to reboots, an upgrade of the cluster, a paused pool.
std::optional<PoolReport> WritingObstacle(const PoolQuestion& question, bool is_new);

}  // namespace nodedevice
