#pragma once

#include <string>

#include "lib/api/device_plugin_config.h"
#include "plugin/discovery/source.h"

namespace nodedevice {

// Devices that the configuration names: nothing on the host is looked at.
class StaticSource : public DiscoverySource {
 public:
  StaticSource(std::string resource, Static devices);
  absl::StatusOr<Inventory> Scan() override;

 private:
  std::string resource_;
  Static devices_;
};

}  // namespace nodedevice
