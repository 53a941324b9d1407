#pragma once

// The controller's whole opinion, as one function of what was observed.

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "controller/config_events.h"
#include "controller/observed.h"
#include "controller/settings.h"
#include "controller/writes.h"
#include "nlohmann/json.hpp"

namespace nodedevice {

// What to do, in this order. All of it may be repeated: after any of it, observe and plan again.
struct Plan {
  std::vector<Removal> remove;
  std::vector<Apply> apply;
  std::vector<NodePatch> node_patches;
  std::vector<nlohmann::json> statuses;  // of DevicePluginConfigs, to apply to /status
  std::vector<ConfigEvent> events;       // what this tells, each when its object is written
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
// With deviceManager.mode Manage and where there is spec.nodePreparation, the MachineConfigPools
// get what those say, one step a plan (pools/pools_plan.h). With spec.startupTaint nodes get a
// taint until their plugins are registered (startup_taint.h).
//
// A NodeDeviceState goes when its node is not one of the configuration's any more and its agent is
// gone. Nothing is read, no clock is asked, and nothing is remembered.
Plan MakePlan(const Observed& observed, const Settings& settings);

}  // namespace nodedevice
