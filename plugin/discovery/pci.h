#pragma once

#include <memory>
#include <string>
#include <vector>

#include "lib/api/device_plugin_config.h"
#include "lib/base/host_root.h"
#include "plugin/discovery/pci_bus.h"
#include "plugin/discovery/pci_groups.h"
#include "plugin/discovery/pci_host_use.h"
#include "plugin/discovery/source.h"

namespace nodedevice {

// Family `pci`: functions of the PCI bus.
//
// With a driver of vfio an IOMMU group is one device, since the kernel gives it to one process as a
// whole: selected functions of one group cannot go to two containers. Its id is the address of its
// first selected function. It is healthy when all selected functions have the wanted driver, no
// other function of the group has a driver that works for the host, and its nodes are there. With
// `bind` the drivers may be others until a container starts (pci_binder.h): it is healthy when the
// driver of vfio is loaded and the host can do without the functions.
//
// With any other driver each function is a device of its own, and a container is told its address.
class PciSource : public DiscoverySource {
 public:
  PciSource(const std::string& resource, Pci pci, bool topology, const HostRoot& host);
  absl::StatusOr<Inventory> Scan() override;
  std::unique_ptr<DevicePreparer> MakePreparer() override;  // with `bind`

 private:
  Device DeviceOf(const PciGroup& group, const PciHostUse* use) const;
  std::string DriverProblem(const PciGroup& group) const;
  std::string BindingProblem(const std::vector<const PciFunction*>& to_bind,
                             const PciHostUse& use) const;
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
