#pragma once

// The controller's whole opinion, as one function of what was observed.

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "controller/observed.h"
#include "controller/settings.h"
#include "nlohmann/json.hpp"

namespace nodedevice {

// An object to delete, and no other of the same name.
struct Removal {
  std::string kind;        // DaemonSet, NodeDeviceState
  std::string name_space;  // empty: cluster-scoped
  std::string name;
  std::string uid;
  bool operator==(const Removal&) const = default;
};

// What to do, in this order. All of it may be repeated: after any of it, observe and plan again.
struct Plan {
  std::vector<Removal> remove;
  std::vector<nlohmann::json> apply;     // DaemonSets, complete, by force: they are ours
  std::vector<nlohmann::json> statuses;  // of DevicePluginConfigs, to apply to /status
  // When a status would read differently though nothing had happened.
  std::optional<std::chrono::seconds> look_again_after;
};

// One DaemonSet for each DevicePluginConfig, and its status. Nothing is in the plan that is so
// already: what was applied or written leads to an empty one.
//
// A configuration that is refused keeps the DaemonSet that it has, as it is: its agents keep the
// last good version, and a slip in an edit must not take devices away. The exception is a conflict
// over a resource, where running on is what does the harm (conflicts.h): the DaemonSet of the newer
// one is removed. So is one whose configuration is gone, is being deleted, or selects nothing.
// Containers keep their devices in any case.
//
// A NodeDeviceState goes when its node is not one of the configuration's any more and its agent is
// gone. Nothing is read, no clock is asked, and nothing is remembered.
Plan MakePlan(const Observed& observed, const Settings& settings);

}  // namespace nodedevice
