#pragma once

#include <memory>
#include <string_view>

#include "lib/api/device_plugin_config.h"
#include "plugin/affinity.h"
#include "plugin/device.h"

namespace nodedevice {

// What one resource offers right now: the value that the service answers from.
struct Announcement {
  DeviceSet devices;
  int replicas = 1;
  bool withdrawn = false;  // announce nothing: the resource is being given up
  std::shared_ptr<const Affinity> affinity = nullptr;  // null: nothing is known
  // The entry as it holds for this resource, where a file of the node says more; null: the entry.
  std::shared_ptr<const PluginSpec> spec = nullptr;

  // The device behind an id on the wire; nullptr when it is not announced under that id.
  const Device* Find(std::string_view wire_id) const;
};

}  // namespace nodedevice
