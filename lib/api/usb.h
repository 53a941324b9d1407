#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace nodedevice {

struct UsbSelector {
  std::uint16_t vendor = 0;
  std::uint16_t product = 0;
  std::string serial;  // empty: any
  bool operator==(const UsbSelector&) const = default;
};

// Family `usb`: USB devices for virtual machines. One device is announced for as many plugged ones
// as there are selectors, one for each.
struct Usb {
  std::vector<UsbSelector> selectors;
  bool operator==(const Usb&) const = default;
};

}  // namespace nodedevice
