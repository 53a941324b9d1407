#pragma once

#include <filesystem>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "lib/api/pci.h"
#include "lib/base/host_root.h"
#include "plugin/discovery/pci_bus.h"
#include "plugin/discovery/pci_groups.h"
#include "plugin/discovery/preparer.h"

namespace nodedevice {

// Binds the functions of a device to its driver of vfio while a container has them, and gives them
// back to whatever driver the kernel finds for them (contracts/device-plugins.md 2.4 and 4).
//
// What it has bound is marked on the host itself, by the function's driver_override, so that a new
// process gives back what an earlier one bound. A function that has the driver for another reason,
// such as the kernel's argument vfio-pci.ids, is left with it for ever.
class PciBinder : public DevicePreparer {
 public:
  // Gives a value to a file of sysfs; the kernel acts on it before it returns.
  using Write =
      std::function<absl::Status(const std::filesystem::path& file, std::string_view value)>;

  PciBinder(Pci pci, HostRoot host, Write write);

  // Binds all functions of the IOMMU group that keep it back, or, when one cannot be, none.
  // kFailedPrecondition: the host itself needs one. kNotFound: there is no such device.
  absl::Status Prepare(const std::string& id) override;
  absl::Status Release(const std::string& id) override;
  std::set<std::string> Prepared() override;

 private:
  // The devices on the bus now; the groups point into the functions.
  struct Bus {
    std::vector<PciFunction> functions;
    std::vector<PciGroup> groups;
    const PciGroup* Find(const std::string& id) const;
  };

  Bus Look() const;
  absl::Status Bind(const PciFunction& function) const;
  absl::Status GiveBack(const PciFunction& function) const;
  bool IsMarked(const PciFunction& function) const;
  std::vector<const PciFunction*> Marked(const PciGroup& group) const;
  std::filesystem::path FileOf(const PciFunction& function, std::string_view name) const;

  const Pci pci_;
  const HostRoot host_;
  const Write write_;
};

}  // namespace nodedevice
