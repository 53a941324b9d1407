#pragma once

#include <map>
#include <string>
#include <vector>

#include "lib/api/pci.h"
#include "lib/base/host_root.h"
#include "plugin/discovery/pci_bus.h"

namespace nodedevice {

// Says which PCI functions a selector means. Looks up what it needs of physical functions and keeps
// it, so make a new one for each scan.
class PciMatcher {
 public:
  explicit PciMatcher(const HostRoot& host) : host_(host) {}

  bool Matches(const PciSelector& selector, const PciFunction& function);

 private:
  struct PhysicalFunction {
    std::vector<std::string> interfaces;           // none while its driver is one of vfio
    std::map<std::string, int> virtual_functions;  // address -> the kernel's number
  };

  const PhysicalFunction& Look(const std::string& address);
  // Whether `function` is one of those that `wanted` names below its own physical function.
  bool IsOneOf(const VirtualFunctions& wanted, const PciFunction& function);

  const HostRoot& host_;
  std::map<std::string, PhysicalFunction> known_;
};

// "vendor 8086, device 1572": a selector in the words of whoever wrote it.
std::string Describe(const PciSelector& selector);

}  // namespace nodedevice
