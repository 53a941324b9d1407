#pragma once

#include <string>
#include <vector>

#include "lib/api/device_plugin_config.h"
#include "lib/base/host_root.h"
#include "plugin/discovery/pci_bus.h"
#include "plugin/discovery/source.h"

namespace nodedevice {

// Family `pci`: functions of the PCI bus.
//
// With a driver of vfio an IOMMU group is one device, since the kernel gives it to one process as a
// whole: selected functions of one group cannot go to two containers. Its id is the address of its
// first selected function. It is healthy when all selected functions have the wanted driver, no
// other function of the group has a driver that works for the host, and its nodes are there.
//
// With any other driver each function is a device of its own, and a container is told its address.
class PciSource : public DiscoverySource {
 public:
  PciSource(const std::string& resource, Pci pci, bool topology, const HostRoot& host);
  absl::StatusOr<Inventory> Scan() override;

 private:
  // Functions that go together, by their places in the list of all.
  struct Group {
    std::vector<const PciFunction*> selected;
    std::vector<const PciFunction*> others;  // of the same IOMMU group
  };

  std::vector<const PciFunction*> Select(const std::vector<PciFunction>& functions,
                                         std::vector<std::string>* notes) const;
  std::vector<Group> Groups(const std::vector<PciFunction>& functions,
                            const std::vector<const PciFunction*>& selected) const;
  Device DeviceOf(const Group& group) const;
  std::string BindingProblem(const Group& group) const;
  bool HasWantedDriver(const PciFunction& function) const;
  void AddUioNodes(const PciFunction& function, Device* device) const;

  const std::string resource_;
  const Pci pci_;
  const bool uses_vfio_;
  const bool topology_;
  const HostRoot host_;
  const std::string variable_;
  const std::string sriov_variable_;
};

}  // namespace nodedevice
