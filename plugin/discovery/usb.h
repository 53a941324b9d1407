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
  bool twin = false;   // another one of its kind has the same serial number, as cheap ones do
  int bus = 0;
  int number = 0;    // on the bus: a new one at every plugging
  std::string node;  // /dev/bus/usb/001/004, of bus and number
  bool operator==(const UsbDevice&) const = default;
};

// All devices on the host's USB buses in the order of their ports; hubs included, interfaces not.
// One that vanishes while it is read is left out. The directories whose entries change when
// something is plugged are added to `directories`.
std::vector<UsbDevice> ListUsbDevices(const HostRoot& host,
                                      std::set<std::filesystem::path>* directories);

bool Matches(const UsbSelector& selector, const UsbDevice& device);

// "usb-1a86-7523-A50285BI", with the port where the serial number does not tell it from others.
std::string StableName(const UsbDevice& device);

// Plugged devices that go together: one for each selector, in the order of the selectors.
using UsbSet = std::vector<const UsbDevice*>;

struct UsbSets {
  std::vector<UsbSet> sets;
  std::vector<std::string> notes;  // for people: which selectors match nothing
};

// As many sets as can be made, each plugged device in one of them only. In each set the selectors
// with a serial number choose first, so that one without does not take their device. `plugged`
// must outlive the result.
UsbSets CombineUsb(const std::vector<UsbSelector>& selectors,
                   const std::vector<UsbDevice>& plugged);

// The id of what a set makes: the same after replugging.
std::string UsbDeviceId(const std::string& resource, const UsbSet& set);

std::vector<int> NumaNodesOfUsb(const HostRoot& host, const UsbDevice& device);

}  // namespace nodedevice
