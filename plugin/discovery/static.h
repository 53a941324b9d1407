#pragma once

#include <optional>
#include <string>

#include "lib/api/device_plugin_config.h"
#include "lib/base/host_root.h"
#include "plugin/cdi_spec.h"
#include "plugin/discovery/source.h"

namespace nodedevice {

// Devices that the configuration names. Of the host only what they bring is looked at: a device
// whose node is missing is unhealthy.
//
// With a CDI kind, what a device brings is in a file for the container runtime, which lives as long
// as this object, and the device itself carries nothing but its name.
class StaticSource : public DiscoverySource {
 public:
  StaticSource(std::string resource, Static devices, bool topology, const HostRoot& host);
  absl::StatusOr<Inventory> Scan() override;

 private:
  Device Make(const StaticDevice& device, Inventory* inventory) const;
  void MoveToCdi(DeviceSet* set);

  std::string resource_;
  Static devices_;
  bool topology_;
  HostRoot host_;
  std::optional<CdiSpecFile> cdi_;  // with a CDI kind
};

}  // namespace nodedevice
