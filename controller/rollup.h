#pragma once

#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "controller/membership.h"
#include "controller/observed.h"
#include "lib/api/device_plugin_config.h"
#include "nlohmann/json.hpp"

namespace nodedevice {

// States and pods of all configurations, found by configuration and node. What was observed must
// outlive it.
class AgentIndex {
 public:
  struct Agent {
    const ObservedState* state = nullptr;
    std::vector<const ObservedPod*> pods;
  };
  using ByNode = std::unordered_map<std::string, Agent>;

  explicit AgentIndex(const Observed& observed);

  // By name of the node.
  const ByNode& Of(const std::string& config) const;

 private:
  std::unordered_map<std::string, ByNode> agents_;
};

struct RollupInput {
  const Observed& observed;
  const AgentIndex& agents;
  const nlohmann::json& object;  // the DevicePluginConfig with its status so far
  const DevicePluginConfig& config;
  const Membership& membership;
  std::optional<Refusal> refusal;    // why it is not carried out
  bool may_run = true;               // whether it has agents, or is to have; they may be older
  const nlohmann::json* daemon_set;  // nullptr: there is none yet
  std::string daemon_set_name;       // "namespace/name"
};

struct Rollup {
  nlohmann::json status;
  std::optional<WallSeconds>
      look_again;  // when it would read differently though nothing had changed
};

// The status of one configuration (crds/), in one pass over its nodes.
//
// ConfigAccepted: every node has the newest generation in force; Unknown while they take it.
// DeviceManagerVerified: agents see it at work on every node; False as soon as one sees that it is
// not. Available: devices are announced, on one node at least; Unknown while it has no nodes.
// Progressing: agents are rolled out, or nodes are on the way (node_standing.h).
// Degraded: it is refused, or a node needs a look.
Rollup RollUp(const RollupInput& input);

// Of a pool's nodes that need a look, so many are listed.
inline constexpr std::size_t kMaxFailing = 16;

}  // namespace nodedevice
