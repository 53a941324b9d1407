#pragma once

#include <string>
#include <vector>

#include "lib/api/pci.h"
#include "lib/base/host_root.h"
#include "plugin/discovery/pci_bus.h"

namespace nodedevice {

// Functions of the bus that go to a container together: the selected ones of an IOMMU group, or a
// single one when no driver of vfio is wanted. They point into the list that they were taken from.
struct PciGroup {
  std::vector<const PciFunction*> selected;  // never empty
  std::vector<const PciFunction*> others;    // of the same IOMMU group

  // Of the device that this is: the address of the first selected function.
  const std::string& id() const { return selected.front()->address; }
};

// The groups that an entry means, in the order of their first functions. Bridges are never
// selected. `notes` gets the selectors that match nothing.
std::vector<PciGroup> GroupsOf(const std::vector<PciFunction>& functions, const Pci& pci,
                               const HostRoot& host, std::vector<std::string>* notes);

// Whether a selected function has the driver that the entry wants, or one that does as well: a
// virtual GPU in the hands of NVIDIA's own driver takes the part of one of vfio.
bool HasWantedDriver(const PciFunction& function, const Pci& pci, const HostRoot& host);

// Whether another function of the group has a driver that works for the host, so that the kernel
// does not give the group away.
bool KeepsGroupBack(const PciFunction& function, const HostRoot& host);

// The functions that must be bound to the wanted driver before the group can be given away.
std::vector<const PciFunction*> ToBind(const PciGroup& group, const Pci& pci, const HostRoot& host);

}  // namespace nodedevice
