#pragma once

// The agent's snapshot as the NodeDeviceState that it keeps in the API (crds/): what an
// administrator reads with `kubectl get nds`, and the controller sums up.

#include <chrono>
#include <map>
#include <string>

#include "agent/snapshot.h"
#include "nlohmann/json.hpp"

namespace nodedevice {

struct NodeIdentity {
  std::string node_name;
  std::string config_name;  // a DNS label
  std::string pod_name;     // empty outside a pod
};

// "NODE.CONFIG": the name of a configuration has no dot, so it is clear where the node's ends. A
// hash stands for the end of one that is too long for the API.
std::string NodeStateName(const NodeIdentity& identity);

// Renders the object. Equal snapshots give equal objects, and nothing in them moves by itself, so
// an agent without news writes nothing.
class NodeStateRenderer {
 public:
  // `wall`: the wall clock at `at`. Times are told by it from then on: a clock that is set later
  // does not move what has been told.
  NodeStateRenderer(NodeIdentity identity, std::chrono::system_clock::time_point wall,
                    TimePoint at);

  const std::string& name() const { return name_; }

  // What is applied once, when there is no object yet: whose it is. It goes away with the
  // configuration, which `snapshot` must know.
  nlohmann::json Object(const Snapshot& snapshot) const;

  // What is applied to the status.
  nlohmann::json Status(const Snapshot& snapshot);

 private:
  struct Condition {
    bool status = false;
    TimePoint since;
  };

  std::string Time(TimePoint at) const;
  nlohmann::json ConditionOf(const Snapshot& snapshot, const std::string& type, bool status,
                             const std::string& reason, const std::string& message);
  void AddConflicts(const Snapshot& snapshot, nlohmann::json& conditions);
  nlohmann::json Plugins(const Snapshot& snapshot) const;

  const NodeIdentity identity_;
  const std::string name_;
  const std::chrono::system_clock::duration wall_offset_;
  std::map<std::string, Condition> conditions_;  // as they were told last
};

}  // namespace nodedevice
