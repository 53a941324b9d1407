#pragma once

// Pools share MachineConfigs: a custom pool gets those of the worker pool, too.

#include <string>
#include <vector>

#include "controller/membership.h"
#include "controller/observed.h"
#include "nlohmann/json.hpp"

namespace nodedevice {

// The pools, but for itself, that get what is written for this one.
std::vector<const nlohmann::json*> Followers(const nlohmann::json& pools,
                                             const nlohmann::json& pool);

// The pools, but for itself, whose MachineConfigs this one gets.
std::vector<const nlohmann::json*> Leaders(const nlohmann::json& pools, const nlohmann::json& pool);

// "may drain and reboot 5 nodes, one by one (maxUnavailable=1), 2 of them of infra, which inherits
// from worker"
std::string ImpactOf(const nlohmann::json& pools, const nlohmann::json& pool,
                     const NodeSelection& selection);

}  // namespace nodedevice
