#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace nodedevice {

// "ens1f0#0-3,7": virtual functions of one physical function, which is named by its network
// interface or its address. `numbers` are the kernel's, from 0, as ranges with both ends in;
// empty: all of them.
struct VirtualFunctions {
  std::string of;
  std::vector<std::pair<int, int>> numbers;
  bool operator==(const VirtualFunctions&) const = default;
};

// What must be true of a PCI function, all of it; a field that is empty does not ask.
struct PciSelector {
  std::optional<std::uint16_t> vendor = {};
  std::optional<std::uint16_t> device = {};
  std::string class_prefix = {};  // the first two, four or six hexadecimal digits, in lower case
  std::string driver = {};        // the one that it has at the moment
  std::string address = {};       // "0000:3b:00.0" in lower case; may hold * and ?
  std::vector<VirtualFunctions> pf_names = {};      // one of these, by the interface
  std::vector<VirtualFunctions> root_devices = {};  // one of these, by the address in lower case
  std::optional<bool> virtual_function = {};
  bool operator==(const PciSelector&) const = default;
};

// vfio-pci and those made for one kind of device, such as mlx5_vfio_pci.
bool IsVfioDriver(std::string_view driver);

// Family `pci`: functions of the PCI bus, given to containers through vfio as whole IOMMU groups,
// or one by one when `driver` is no driver of vfio.
struct Pci {
  std::vector<PciSelector> selectors;  // a function needs to match one of them
  std::string driver = "vfio-pci";     // that a function must have to be given away
  // Bind the functions to it when a container starts, and give them back when none has them. Only
  // with a driver of vfio.
  bool bind = false;
  bool operator==(const Pci&) const = default;
};

}  // namespace nodedevice
