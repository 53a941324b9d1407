#include "plugin/discovery/mdev.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "lib/base/file.h"
#include "plugin/discovery/env_name.h"
#include "plugin/discovery/glob.h"
#include "plugin/discovery/mdev_bus.h"
#include "plugin/discovery/mdev_maker.h"
#include "plugin/discovery/mdev_plan.h"
#include "plugin/discovery/numa.h"
#include "plugin/discovery/pci_bus.h"
#include "plugin/discovery/vfio.h"

namespace nodedevice {
namespace {

bool Matches(const MdevSelector& selector, const MediatedDevice& device) {
  if (!selector.uuid.empty() && selector.uuid != device.uuid) return false;
  if (!selector.parent.empty() && !MatchPart(selector.parent, device.parent, nullptr)) return false;
  return selector.type.empty() || IsMdevType(selector.type, device.type_id, device.type_name);
}

std::string Describe(const MdevSelector& selector) {
  std::vector<std::string> words;
  if (!selector.type.empty()) words.push_back("type " + selector.type);
  if (!selector.uuid.empty()) words.push_back("uuid " + selector.uuid);
  if (!selector.parent.empty()) words.push_back("parent " + selector.parent);
  return absl::StrJoin(words, ", ");
}

}  // namespace

MdevSource::MdevSource(const std::string& resource, Mdev mdev, bool topology, const HostRoot& host)
    : resource_(resource),
      mdev_(std::move(mdev)),
      topology_(topology),
      host_(host),
      variable_(KubeVirtVariable("MDEV_PCI_RESOURCE", resource)) {}

std::unique_ptr<DeviceMaker> MdevSource::MakeMaker() {
  if (mdev_.create.empty()) return nullptr;
  return std::make_unique<MdevMaker>(resource_, mdev_.create, host_, WriteAttribute);
}

absl::StatusOr<Inventory> MdevSource::Scan() {
  Inventory inventory;
  DeviceSet& set = inventory.resources[resource_];
  AddVfioDirectories(host_, &inventory.directories);
  std::vector<bool> matched(mdev_.selectors.size());
  const std::vector<MediatedDevice> devices = ListMdevs(host_);
  MdevPlan plan;
  if (!mdev_.create.empty()) plan = PlanMdevs({}, devices, resource_, mdev_.create);
  for (const MediatedDevice& found : devices) {
    bool any = false;
    for (std::size_t i = 0; i < mdev_.selectors.size(); ++i) {
      if (!Matches(mdev_.selectors[i], found)) continue;
      matched[i] = any = true;
    }
    if (!any) continue;
    const std::string path = absl::StrCat(kMdevDevices, "/", found.uuid);
    const std::string group = IommuGroupOf(host_, path);
    Device device;
    if (const auto unwanted = plan.unwanted.find(found.uuid); unwanted != plan.unwanted.end()) {
      device.problem = absl::StrCat("is removed when no pod has it: ", unwanted->second);
    }
    if (group.empty()) {
      if (device.problem.empty()) {
        device.problem =
            absl::StrCat(found.uuid, " is in no IOMMU group: has it a driver of vfio?");
      }
    } else {
      AddGroupNodes(host_, group, GroupNode::kIsThere, &device);
    }
    AddDeviceNodes(host_, path, &device);
    device.env_items.push_back({variable_, found.uuid});
    device.pci_root = PciRootOf(host_, found.parent);
    if (topology_) device.numa_nodes = NumaNodesOfSysfs(host_, path);
    set.emplace(found.uuid, std::move(device));
  }
  for (std::size_t i = 0; i < mdev_.selectors.size(); ++i) {
    if (matched[i]) continue;
    inventory.notes.push_back(
        absl::StrCat("no mediated device has ", Describe(mdev_.selectors[i])));
  }
  return inventory;
}

}  // namespace nodedevice
