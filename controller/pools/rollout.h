#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "controller/pools/pool_state.h"
#include "nlohmann/json.hpp"

namespace nodedevice {

// How far what was written has come to the nodes of a pool.
struct Rollout {
  PoolState state = PoolState::kPending;
  std::string message;
  std::optional<WallSeconds> look_again;
};

// What was written for the pool.
struct Written {
  const nlohmann::json& kubelet_config;  // as it is in the API
  std::string machine_config;            // the name of ours; empty: there is none
  WallSeconds at;                        // when the last of it was written
};

// By names: a pool says of itself that it is updated for a while after it was told something new,
// because the operator takes kRenderDelay to look. `machine_configs` are all of the cluster.
Rollout RolloutOf(const nlohmann::json& pool, const Written& written,
                  const nlohmann::json& machine_configs, WallSeconds now);

// Every node of the pool has what the pool is to have, and that is made of MachineConfigs that
// exist: what was removed is gone from the nodes.
bool HasRolledBack(const nlohmann::json& pool, const nlohmann::json& machine_configs);

// "2 of 5 nodes are updated, 1 is not available"
std::string NodesOf(const nlohmann::json& pool);

// The operator waits 5 s before it renders a pool's configuration, and 5 s before it tells nodes.
inline constexpr std::chrono::seconds kRenderDelay{15};

}  // namespace nodedevice
