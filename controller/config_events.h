#pragma once

#include <string>
#include <vector>

#include "lib/kube/api_event.h"
#include "nlohmann/json.hpp"

namespace nodedevice {

// How the writing of a configuration's status is called, beside ObjectName().
std::string StatusName(const std::string& config);

// What is told about one configuration.
struct ConfigEvent {
  std::string config;
  std::string uid;
  std::string
      object;  // whose write makes it true, so that it is told once: ObjectName() or StatusName()
  ApiEvent event;
  bool operator==(const ConfigEvent&) const = default;
};

// What its conditions tell when its status turns from `before`, null for a new one, into `after`:
// accepted and refused, available and not any more, degraded for another reason than before and
// recovered, pools being configured, done, or in the way of it.
std::vector<ApiEvent> EventsBetween(const nlohmann::json& before, const nlohmann::json& after);

// Somebody has changed or deleted an object of the controller's, and it is put back.
ApiEvent PutBack(const std::string& object, bool deleted);

}  // namespace nodedevice
