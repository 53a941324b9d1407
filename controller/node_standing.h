#pragma once

#include <optional>
#include <string>
#include <vector>

#include "controller/observed.h"
#include "lib/api/device_plugin_config.h"
#include "nlohmann/json.hpp"

namespace nodedevice {

// Where one node stands with one configuration.
struct NodeStanding {
  enum class Kind {
    kReady,     // every plugin is registered and the newest configuration is in force
    kOnTheWay,  // it is not, and that is normal for a while
    kFailing,   // somebody should look
  };
  Kind kind = Kind::kReady;
  std::string reason = {};  // when it is not ready: in one word, and in a sentence
  std::string message = {};
  // kOnTheWay: when it turns into kFailing if nothing changes; nullopt: it never does.
  std::optional<WallSeconds> fails_at = {};
  bool alive = false;       // an agent is there that speaks for itself
  bool verified = false;    // and it sees the Device Manager at work
  bool up_to_date = false;  // and has the newest configuration in force
};

// What is known of the configuration itself.
struct StandingContext {
  std::string config_uid = {};
  std::int64_t generation = 0;
  nlohmann::json tolerations;   // of the agents
  std::string daemon_set = {};  // "namespace/name", for messages
  WallSeconds deployed = {};    // since when that exists
  // Since when nodes have been taking this generation; nullopt: since now.
  std::optional<WallSeconds> distributing_since = {};
  WallSeconds now = {};
};

// `state` is the newest word of the node's agent, nullptr: there is none; `pods` are the agent's on
// this node. Told apart: no agent yet, one that cannot start, one that never spoke, one that is
// gone and whose last words are old, one that has an older generation in force, and one that has
// the newest but lacks something.
NodeStanding StandingOf(const ObservedNode& node, const ObservedState* state,
                        const std::vector<const ObservedPod*>& pods,
                        const StandingContext& context);

// How long a node may be on the way.
inline constexpr std::chrono::minutes kPatience{5};

}  // namespace nodedevice
