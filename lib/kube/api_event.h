#pragma once

// Events of events.k8s.io, which `kubectl events` and `kubectl describe` show
// (contracts/openshift.md 2.6).

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "lib/base/clock.h"
#include "lib/kube/api_time.h"
#include "nlohmann/json.hpp"

namespace nodedevice {

// Something that an administrator should find.
struct ApiEvent {
  bool warning = false;
  std::string reason;  // "PluginCrashLooping"
  std::string action;  // what was done about it: "Restarting"
  std::string note;    // a sentence
  std::string about;   // which plugin, resource or object: repeats are counted by reason and this
  bool operator==(const ApiEvent&) const = default;
};

// Who tells.
struct EventReporter {
  std::string controller;  // "nodedevices.io/node-device-agent"
  std::string instance;    // the pod, or the node
};

// Where events about cluster-scoped objects are.
inline constexpr char kClusterEvents[] = "/apis/events.k8s.io/v1/namespaces/default/events";

// The Event to POST there about the object `regarding`, a reference with its name; what is too long
// is cut. `number` tells events of one moment apart.
nlohmann::json RenderEvent(const ApiEvent& event, const EventReporter& reporter,
                           const nlohmann::json& regarding, WallTime now, std::int64_t number);

// Lets one event of a kind through in five minutes. What was held back is said by the next one:
// "(3 more in the last 12 min)". Pure.
class EventThrottle {
 public:
  static constexpr Duration kWindow = std::chrono::minutes(5);

  // True: tell it; `event` may have got a longer note, which the API takes.
  bool Admit(ApiEvent& event, TimePoint now);

 private:
  struct Seen {
    TimePoint told;
    std::uint64_t held_back = 0;
  };
  std::map<std::pair<std::string, std::string>, Seen> seen_;
};

}  // namespace nodedevice
