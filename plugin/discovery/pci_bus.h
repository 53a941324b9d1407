#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/host_root.h"

namespace nodedevice {

// One function of the PCI bus, as sysfs shows it.
struct PciFunction {
  std::string address;  // "0000:3b:00.0"
  std::uint16_t vendor = 0;
  std::uint16_t device = 0;
  std::uint32_t class_code = 0;  // 0x020000
  std::string driver;            // empty: none
  std::string iommu_group;       // empty: none
  std::string
      physical_function;  // the address of which this is a virtual function; empty: it is none
  bool operator==(const PciFunction&) const = default;

  // To another bus: it belongs to the host, whoever has what is behind it.
  bool is_bridge() const { return class_code >> 8 == 0x0604 || class_code >> 8 == 0x0607; }
};

// "/sys/bus/pci/devices/0000:3b:00.0"
std::string SysfsPathOf(std::string_view address);

// All functions in the order of their addresses. One that cannot be read, or that vanishes while it
// is read, is left out. Without a PCI bus there are none.
std::vector<PciFunction> ListPciFunctions(const HostRoot& host);

// The number of the root bus that a function hangs on, as Device has it.
std::uint32_t PciRootOf(const HostRoot& host, std::string_view address);

}  // namespace nodedevice
