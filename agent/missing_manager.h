#pragma once

// Why the Device Manager of this node may be down, by what the API says: an update of the node, a
// kubelet that is not well, a pool that is stuck, a FeatureGate.

#include <cstddef>
#include <string>
#include <vector>

#include "nlohmann/json.hpp"

namespace nodedevice {

// What the API said. Null stands for what it did not say: the cluster does not know such objects,
// or the agent may not read them. All of it may be any JSON.
struct ClusterView {
  std::string node_name;
  bool has_node = true;  // false: the API knows no Node of this name
  nlohmann::json node = nullptr;
  nlohmann::json pools = nullptr;            // the items of the MachineConfigPools
  nlohmann::json kubelet_configs = nullptr;  // the items of the KubeletConfigs
  nlohmann::json feature_gate = nullptr;     // the FeatureGate `cluster`
};

inline constexpr std::size_t kMaxFindings = 8;
inline constexpr std::size_t kMaxExplanation = 2048;  // bytes, of all findings together

// What an administrator has to know, a sentence each: first what takes a Device Manager away, or
// that nothing does and where to look on the node; then what keeps the node's configuration from
// changing. Never empty; each is one line.
std::vector<std::string> ExplainMissingManager(ClusterView view);

}  // namespace nodedevice
