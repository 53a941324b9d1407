#pragma once

#include <string>

#include "lib/api/device_plugin_config.h"
#include "lib/base/host_root.h"
#include "plugin/discovery/source.h"

namespace nodedevice {

// Family `usb`: USB devices for virtual machines. A device is one plugged device for each selector,
// as many times as all selectors match; its id is made of serial numbers or ports, so that it is
// the same after replugging.
class UsbSource : public DiscoverySource {
 public:
  UsbSource(const std::string& resource, Usb usb, bool topology, const HostRoot& host);
  absl::StatusOr<Inventory> Scan() override;

 private:
  const std::string resource_;
  const Usb usb_;
  const bool topology_;
  const HostRoot host_;
  const std::string variable_;
};

}  // namespace nodedevice
