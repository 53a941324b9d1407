#pragma once

// How the status of a DevicePluginConfig tells of its pools.

#include <optional>
#include <string>

#include "controller/conditions.h"
#include "controller/pools/pool_state.h"
#include "nlohmann/json.hpp"

namespace nodedevice {

// What status.pools says of one pool.
struct PoolRollout {
  std::string state;  // a PoolState's word
  std::string message;
  bool is_written = false;  // what is ours was in the pool's configuration, or on the way to it
};

// What the status so far says of this generation; nullopt: nothing.
std::optional<PoolRollout> RolloutInStatus(const nlohmann::json& config_object,
                                           const std::string& pool, std::int64_t generation);

// "pool infra: it is paused ..."
std::string TextOf(const PoolReport& report);

// Of one pool, for status.pools[].rollout.
nlohmann::json RolloutForStatus(const PoolReport& report, std::int64_t generation);

// PoolsConfigured: True when every pool is complete, else its reason is the worst state of a pool,
// and its message says pool by pool what is the matter. nullopt: there is nothing to say.
std::optional<Condition> PoolsConfigured(const PoolsReport& report);

// The status of a configuration that is being deleted: as it was, with this condition.
nlohmann::json StatusWhileLeaving(const nlohmann::json& config_object, const PoolsReport& report,
                                  WallSeconds now);

}  // namespace nodedevice
