#include "plugin/discovery/pci.h"

#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "lib/base/file.h"
#include "plugin/discovery/device_node.h"
#include "plugin/discovery/env_name.h"
#include "plugin/discovery/numa.h"
#include "plugin/discovery/pci_binder.h"
#include "plugin/discovery/vfio.h"

namespace nodedevice {
namespace {

namespace fs = std::filesystem;

std::string DriverOf(const PciFunction& function) {
  return function.driver.empty() ? "no driver" : absl::StrCat("the driver ", function.driver);
}

}  // namespace

PciSource::PciSource(const std::string& resource, Pci pci, bool topology, const HostRoot& host)
    : resource_(resource),
      pci_(std::move(pci)),
      uses_vfio_(IsVfioDriver(pci_.driver)),
      topology_(topology),
      host_(host),
      variable_(KubeVirtVariable("PCI_RESOURCE", resource)),
      sriov_variable_(SriovVariable(resource)) {}

std::unique_ptr<DevicePreparer> PciSource::MakePreparer() {
  if (!pci_.bind) return nullptr;
  return std::make_unique<PciBinder>(pci_, host_, WriteAttribute);
}

absl::StatusOr<Inventory> PciSource::Scan() {
  Inventory inventory;
  DeviceSet& set = inventory.resources[resource_];
  const std::vector<PciFunction> functions = ListPciFunctions(host_);
  std::optional<PciHostUse> use;
  if (pci_.bind) use.emplace(host_);
  for (const PciGroup& group : GroupsOf(functions, pci_, host_, &inventory.notes)) {
    set.emplace(group.id(), DeviceOf(group, use ? &*use : nullptr));
  }
  // inotify sees nothing of sysfs. When a driver of vfio or uio takes or leaves a device, its nodes
  // come or go; the rest is found by the rescan.
  if (uses_vfio_) {
    AddVfioDirectories(host_, &inventory.directories);
  } else if (pci_.driver.find("uio") != std::string::npos) {
    inventory.directories.insert(host_.Resolve("/dev"));
  }
  return inventory;
}

// Of functions that nobody binds for us.
std::string PciSource::DriverProblem(const PciGroup& group) const {
  for (const PciFunction* function : group.selected) {
    if (HasWantedDriver(*function, pci_, host_)) continue;
    return absl::StrCat(function->address, " has ", DriverOf(*function), " instead of ",
                        pci_.driver);
  }
  for (const PciFunction* other : group.others) {
    if (!KeepsGroupBack(*other, host_)) continue;
    return absl::StrCat(other->address, " of the same IOMMU group ", other->iommu_group, " has ",
                        DriverOf(*other),
                        ", and the kernel gives a group away only as a whole: "
                        "bind it to ",
                        pci_.driver, ", too");
  }
  return "";
}

// Of functions that are bound when a container starts.
std::string PciSource::BindingProblem(const std::vector<const PciFunction*>& to_bind,
                                      const PciHostUse& use) const {
  for (const PciFunction* function : to_bind) {
    const std::string problem = use.Of(*function);
    if (problem.empty()) continue;
    return absl::StrCat(function->address, " is needed by the host: ", problem);
  }
  std::error_code error;
  if (to_bind.empty() ||
      fs::exists(host_.Resolve(absl::StrCat("/sys/bus/pci/drivers/", pci_.driver)), error)) {
    return "";
  }
  return absl::StrCat("the driver ", pci_.driver,
                      " is not there: load its module, at boot by "
                      "spec.nodePreparation.kernelModules");
}

Device PciSource::DeviceOf(const PciGroup& group, const PciHostUse* use) const {
  const PciFunction& first = *group.selected.front();
  Device device;
  device.pci_root = PciRootOf(host_, first.address);
  if (uses_vfio_ && first.iommu_group.empty()) {
    device.problem =
        absl::StrCat(first.address,
                     " is in no IOMMU group: is the IOMMU switched on in the firmware, and "
                     "by the kernel argument intel_iommu=on or amd_iommu=on?");
  } else if (use != nullptr) {
    const std::vector<const PciFunction*> to_bind = ToBind(group, pci_, host_);
    device.problem = BindingProblem(to_bind, *use);
    AddGroupNodes(host_, first.iommu_group,
                  to_bind.empty() ? GroupNode::kIsThere : GroupNode::kComes, &device);
  } else {
    device.problem = DriverProblem(group);
    if (uses_vfio_) AddGroupNodes(host_, first.iommu_group, GroupNode::kIsThere, &device);
  }
  for (const PciFunction* function : group.selected) {
    const std::string path = SysfsPathOf(function->address);
    if (!uses_vfio_) AddUioNodes(*function, &device);
    // What iommufd calls a function is known once it is bound, and with `bind` a container is told
    // before that.
    if (uses_vfio_ && use == nullptr) AddDeviceNodes(host_, path, &device);
    device.env_items.push_back({variable_, function->address});
    device.env_items.push_back({sriov_variable_, function->address});
    if (topology_) MergeNuma(NumaNodesOfSysfs(host_, path), &device.numa_nodes);
  }
  return device;
}

void PciSource::AddUioNodes(const PciFunction& function, Device* device) const {
  const fs::path folder = host_.Resolve(absl::StrCat(SysfsPathOf(function.address), "/uio"));
  for (const std::string& name : NamesIn(folder)) {
    std::string path = absl::StrCat("/dev/", name);
    if (device->problem.empty()) device->problem = NodeProblem(host_, path);
    device->nodes.push_back({std::move(path), "", "mrw"});
  }
}

}  // namespace nodedevice
