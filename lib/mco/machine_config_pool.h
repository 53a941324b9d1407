#pragma once

#include <string>
#include <vector>

#include "lib/mco/label_selector.h"
#include "nlohmann/json.hpp"

namespace nodedevice {

// Which MachineConfigPool a node belongs to.
struct NodePool {
  std::string name;                 // empty: it belongs to none
  std::vector<std::string> rivals;  // custom pools that all select it, by name: it belongs to none

  bool operator==(const NodePool&) const = default;
};

// The pools of a cluster, read once for many nodes.
class NodePools {
 public:
  // A pool that selects nodes.
  struct Pool {
    std::string name;
    LabelSelector nodes;
  };

  // `pools` are the items of a list; any JSON will do.
  explicit NodePools(const nlohmann::json& pools);

  // As the machine-config-operator decides it: of more than one custom pool none; else master
  // before a custom pool, and a custom pool before worker. A pool whose nodeSelector is absent or
  // empty has no nodes, and a Windows node has no pool.
  NodePool Of(const Labels& node) const;

  // nullptr: there is none, or it has no nodes.
  const Pool* master() const { return Built(master_); }
  const Pool* worker() const { return Built(worker_); }
  const std::vector<Pool>& custom() const { return custom_; }  // by name

 private:
  static const Pool* Built(const std::vector<Pool>& pool) {
    return pool.empty() ? nullptr : &pool.front();
  }

  std::vector<Pool> master_;  // one or none, as worker_
  std::vector<Pool> worker_;
  std::vector<Pool> custom_;
};

// The same for a single node; any JSON gives an answer.
NodePool PoolOfNode(const nlohmann::json& node, const nlohmann::json& pools);

// What the pool says of its degradation, one text for each part of it that is degraded ("Node w7 is
// reporting: ..."). Empty: it is not degraded.
std::vector<std::string> DegradationOf(const nlohmann::json& pool);

// Its nodes are not updated until somebody wants it.
bool IsPaused(const nlohmann::json& pool);

}  // namespace nodedevice
