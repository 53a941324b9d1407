#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "agent/snapshot.h"

namespace nodedevice {

// Something that an administrator should find with `kubectl events`, as an Event of events.k8s.io.
struct NodeEvent {
  bool warning = false;
  std::string reason;  // "PluginCrashLooping"
  std::string action;  // what the agent did about it: "Restarting"
  std::string note;    // a sentence
  std::string about;   // which plugin or resource: repeats are counted by reason and this
  bool operator==(const NodeEvent&) const = default;
};

// What happened between two snapshots: Device Manager down, up and replaced; a plugin that keeps
// crashing, and one that stopped doing so; devices unhealthy, and all healthy again; a
// configuration refused, accepted, deleted.
std::vector<NodeEvent> EventsBetween(const Snapshot& before, const Snapshot& after);

// Lets one event of a kind through in five minutes. What was held back is said by the next one:
// "(3 more in the last 12 min)". Pure.
class EventThrottle {
 public:
  static constexpr Duration kWindow = std::chrono::minutes(5);

  // True: tell it; `event` may have got a longer note.
  bool Admit(NodeEvent& event, TimePoint now);

 private:
  struct Seen {
    TimePoint told;
    std::uint64_t held_back = 0;
  };
  std::map<std::pair<std::string, std::string>, Seen> seen_;
};

}  // namespace nodedevice
