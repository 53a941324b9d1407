#pragma once

#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "lib/api/device_plugin_config.h"
#include "lib/base/host_root.h"

namespace nodedevice {

// One plugged USB device, as sysfs shows it.
struct UsbDevice {
  std::string port;  // of the bus topology, "1-1.2": the same as long as it is not moved
  std::uint16_t vendor = 0;
  std::uint16_t product = 0;
  std::string serial;  // empty: it has none
  std::string node;    // /dev/bus/usb/001/004: a new one at every plugging
  bool operator==(const UsbDevice&) const = default;
};

// All devices on the host's USB buses in the order of their ports; hubs included, interfaces not.
// One that vanishes while it is read is left out. The directories whose entries change when
// something is plugged are added to `directories`.
std::vector<UsbDevice> ListUsbDevices(const HostRoot& host,
                                      std::set<std::filesystem::path>* directories);

bool Matches(const UsbSelector& selector, const UsbDevice& device);

// "usb-1a86-7523-A50285BI", with the port where there is no serial number.
std::string StableName(const UsbDevice& device);

}  // namespace nodedevice
