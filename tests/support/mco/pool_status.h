#pragma once

#include <vector>

#include "lib/kube/api_time.h"
#include "nlohmann/json.hpp"

namespace nodedevice::testing::mco {

// What is said of a node by its annotations and its own status. A node that says nothing of being
// ready is ready: a test need not play its kubelet.
bool IsNodeReady(const nlohmann::json& node);
// It has what it is to have, and nothing goes on.
bool IsNodeDone(const nlohmann::json& node);
bool IsNodeDegraded(const nlohmann::json& node);
inline bool IsNodeUnavailable(const nlohmann::json& node) {
  return !IsNodeReady(node) || !IsNodeDone(node);
}

// The status of a pool with these nodes: counts, conditions, and the configuration that all have.
nlohmann::json PoolStatus(const nlohmann::json& pool, const std::vector<nlohmann::json>& nodes,
                          WallSeconds now);

}  // namespace nodedevice::testing::mco
