#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "controller/plan.h"
#include "controller/writes.h"
#include "lib/kube/api_client.h"
#include "nlohmann/json.hpp"

namespace nodedevice {

// One write of a plan.
struct ApiWrite {
  struct Status {
    nlohmann::json object;  // a DevicePluginConfig with nothing but its status
    bool operator==(const Status&) const = default;
  };
  std::string object;  // its ObjectName(), or the StatusName()
  std::variant<Removal, Apply, NodePatch, Status> what;
  bool operator==(const ApiWrite&) const = default;
};

// All writes of a plan, in their order. No two are of the same object.
std::vector<ApiWrite> WritesOf(const Plan& plan);

// "applied DaemonSet a/b", for the log; "DaemonSet" and "apply" for metrics.
std::string Describe(const ApiWrite& write);
std::string KindOf(const ApiWrite& write);
std::string VerbOf(const ApiWrite& write);

// Does it, and blocks. What is to be removed and is gone, or is another object by now, is done.
// The status is all that is of interest: what the cluster is then, the watches tell.
absl::Status Perform(const ApiWrite& write, ApiClient& client);

// What an administrator should know of a failed write: the API's own words when it refused it.
// Empty for what passes by itself: a server that is away or busy, and a conflict, unless that is
// about whose a field is.
std::string RefusalOf(const ApiWrite& write, const absl::Status& status);

}  // namespace nodedevice
