#pragma once

#include <string>
#include <vector>

#include "lib/base/host_root.h"
#include "plugin/discovery/pci_bus.h"

namespace nodedevice {

// What the host itself does with functions of the PCI bus: what would break if another driver took
// them. It is looked up in sysfs when this is made, so make a new one for each look.
class PciHostUse {
 public:
  explicit PciHostUse(const HostRoot& host);

  // Why the host cannot do without a function, for people: "its network interface eno1 is up";
  // empty: nothing is known of.
  std::string Of(const PciFunction& function) const;

 private:
  // One of the kernel's objects that hang on a device: a network interface or a disk.
  struct Object {
    std::string name;
    std::string place;  // where /sys/class says that it is: ".../0000:3b:00.0/net/eno1"
  };

  static std::vector<Object> ObjectsOf(const HostRoot& host, const std::string& kind);
  std::string ProblemOfInterface(const std::string& name) const;
  std::string ProblemOfDisk(const std::string& name) const;

  const HostRoot& host_;
  const std::vector<Object> interfaces_;
  const std::vector<Object> disks_;
};

}  // namespace nodedevice
