#include "plugin/discovery/pci.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <string_view>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "lib/base/file.h"
#include "plugin/discovery/device_node.h"
#include "plugin/discovery/env_name.h"
#include "plugin/discovery/numa.h"
#include "plugin/discovery/pci_match.h"
#include "plugin/discovery/vfio.h"

namespace nodedevice {
namespace {

namespace fs = std::filesystem;

// vfio-pci and those made for one kind of device, such as mlx5_vfio_pci.
bool IsVfioDriver(std::string_view driver) { return driver.find("vfio") != std::string_view::npos; }

// Whether the kernel lets a group go although this driver has one of its functions.
bool LeavesGroupFree(const PciFunction& function) {
  return function.driver.empty() || function.is_bridge() || IsVfioDriver(function.driver) ||
         function.driver == "pcieport" || function.driver == "pci-stub";
}

std::string DriverOf(const PciFunction& function) {
  return function.driver.empty() ? "no driver" : absl::StrCat("the driver ", function.driver);
}

// A virtual GPU in the hands of NVIDIA's own driver, which takes the part of one of vfio.
bool IsNvidiaVirtualGpu(const HostRoot& host, const PciFunction& function) {
  if (function.driver != "nvidia") return false;
  const fs::path folder = host.Resolve(SysfsPathOf(function.address));
  const auto type = ReadAttribute(folder / "nvidia/current_vgpu_type");
  std::error_code error;
  return type.ok() && !type->empty() && *type != "0" &&
         !fs::exists(folder / "sriov_totalvfs", error);
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

absl::StatusOr<Inventory> PciSource::Scan() {
  Inventory inventory;
  DeviceSet& set = inventory.resources[resource_];
  const std::vector<PciFunction> functions = ListPciFunctions(host_);
  const std::vector<const PciFunction*> selected = Select(functions, &inventory.notes);
  for (const Group& group : Groups(functions, selected)) {
    set.emplace(group.selected.front()->address, DeviceOf(group));
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

std::vector<const PciFunction*> PciSource::Select(const std::vector<PciFunction>& functions,
                                                  std::vector<std::string>* notes) const {
  PciMatcher matcher(host_);
  std::vector<bool> matched(pci_.selectors.size());
  std::vector<const PciFunction*> selected;
  for (const PciFunction& function : functions) {
    if (function.is_bridge()) continue;
    bool any = false;
    for (std::size_t i = 0; i < pci_.selectors.size(); ++i) {
      if (!matcher.Matches(pci_.selectors[i], function)) continue;
      matched[i] = any = true;
    }
    if (any) selected.push_back(&function);
  }
  for (std::size_t i = 0; i < pci_.selectors.size(); ++i) {
    if (matched[i]) continue;
    notes->push_back(absl::StrCat("no PCI device has ", Describe(pci_.selectors[i])));
  }
  return selected;
}

std::vector<PciSource::Group> PciSource::Groups(
    const std::vector<PciFunction>& functions,
    const std::vector<const PciFunction*>& selected) const {
  std::vector<Group> groups;
  std::map<std::string_view, std::size_t> by_group;
  for (const PciFunction* function : selected) {
    const bool alone = !uses_vfio_ || function->iommu_group.empty();
    if (!alone) {
      const auto [known, fresh] = by_group.emplace(function->iommu_group, groups.size());
      if (!fresh) {
        groups[known->second].selected.push_back(function);
        continue;
      }
    }
    groups.push_back({.selected = {function}, .others = {}});
  }
  for (const PciFunction& function : functions) {
    const auto known = by_group.find(function.iommu_group);
    if (known == by_group.end()) continue;
    Group& group = groups[known->second];
    if (std::ranges::find(group.selected, &function) == group.selected.end()) {
      group.others.push_back(&function);
    }
  }
  return groups;
}

bool PciSource::HasWantedDriver(const PciFunction& function) const {
  return function.driver == pci_.driver || (uses_vfio_ && IsNvidiaVirtualGpu(host_, function));
}

std::string PciSource::BindingProblem(const Group& group) const {
  for (const PciFunction* function : group.selected) {
    if (uses_vfio_ && function->iommu_group.empty()) {
      return absl::StrCat(function->address,
                          " is in no IOMMU group: is the IOMMU switched on in the firmware, and "
                          "by the kernel argument intel_iommu=on or amd_iommu=on?");
    }
    if (!HasWantedDriver(*function)) {
      return absl::StrCat(function->address, " has ", DriverOf(*function), " instead of ",
                          pci_.driver);
    }
  }
  for (const PciFunction* other : group.others) {
    if (LeavesGroupFree(*other) || IsNvidiaVirtualGpu(host_, *other)) continue;
    return absl::StrCat(other->address, " of the same IOMMU group ", other->iommu_group, " has ",
                        DriverOf(*other),
                        ", and the kernel gives a group away only as a whole: "
                        "bind it to ",
                        pci_.driver, ", too");
  }
  return "";
}

Device PciSource::DeviceOf(const Group& group) const {
  const PciFunction& first = *group.selected.front();
  Device device;
  device.problem = BindingProblem(group);
  device.pci_root = PciRootOf(host_, first.address);
  if (uses_vfio_ && !first.iommu_group.empty()) AddGroupNodes(host_, first.iommu_group, &device);
  for (const PciFunction* function : group.selected) {
    const std::string path = SysfsPathOf(function->address);
    if (uses_vfio_) {
      AddDeviceNodes(host_, path, &device);
    } else {
      AddUioNodes(*function, &device);
    }
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
