#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "controller/observed.h"
#include "lib/api/device_plugin_config.h"
#include "lib/mco/machine_config_pool.h"
#include "nlohmann/json.hpp"

namespace nodedevice {

// Why a configuration is not carried out, for its conditions: a word, and what to do about it.
struct Refusal {
  std::string reason;
  std::string message;
  bool operator==(const Refusal&) const = default;
};

// The nodes of one pool. Without a name: nodes that a nodeSelector selects.
struct NodeGroup {
  std::string pool;
  std::vector<std::size_t> nodes;  // indices of Observed::nodes, in their order
  bool operator==(const NodeGroup&) const = default;
};

// Which nodes one configuration is for.
struct Membership {
  std::vector<NodeGroup> groups;  // of each selected pool, by name, also without nodes
  // Where the agents may run: exactly those nodes, and the ones that come (scheduling.h). Null:
  // nowhere.
  nlohmann::json affinity;
  // It does not say which nodes: neither selector, an empty one, pools where there are none, pools
  // that no affinity can tell apart.
  std::optional<Refusal> refusal;
  // It says which, and there are none and none can come: no pool has such labels. A pool, or a
  // label, without nodes is no reason.
  std::string selects_nothing;
  // "node w1 is in none: ..." for nodes that selected pools claim together with others.
  std::vector<std::string> disputed;
};

// Finds the nodes of configurations. The pool of each node is looked for once. `observed` must
// outlive it.
class NodeSelection {
 public:
  explicit NodeSelection(const Observed& observed);

  // Of a configuration with errors, as far as its selectors could be read.
  Membership Of(const DevicePluginConfig& config) const;

  // How many nodes the pool of this name has.
  std::size_t CountIn(const std::string& pool) const;

 private:
  Membership OfPools(const nlohmann::json& selector) const;
  Membership OfLabels(const Labels& labels) const;

  const Observed& observed_;
  const NodePools pools_;
  std::vector<NodePool> pool_of_node_;  // as Observed::nodes; empty without pools
};

}  // namespace nodedevice
