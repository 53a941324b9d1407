#pragma once

// How an object says that it is the controller's, and for which configuration.

#include <string>

#include "lib/api/device_plugin_config.h"
#include "nlohmann/json.hpp"

namespace nodedevice {

// Of every object that the controller makes for one configuration.
inline constexpr char kConfigLabel[] = "nodedevices.io/config";
inline constexpr char kManagedByLabel[] = "app.kubernetes.io/managed-by";
inline constexpr char kManagedBy[] = "node-device-controller";
// What was applied (drift.h): an annotation of a DaemonSet, a label where annotations do not last.
inline constexpr char kRenderedKey[] = "nodedevices.io/rendered";

// The list that makes an object go away with its configuration.
inline nlohmann::json OwnedBy(const std::string& config, const std::string& uid) {
  return nlohmann::json::array({{{"apiVersion", kApiVersion},
                                 {"kind", "DevicePluginConfig"},
                                 {"name", config},
                                 {"uid", uid},
                                 {"controller", true},
                                 {"blockOwnerDeletion", true}}});
}

}  // namespace nodedevice
