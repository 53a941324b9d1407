#include "plugin/discovery/mdev.h"

#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "lib/base/file.h"
#include "plugin/discovery/env_name.h"
#include "plugin/discovery/glob.h"
#include "plugin/discovery/numa.h"
#include "plugin/discovery/pci_bus.h"
#include "plugin/discovery/vfio.h"

namespace nodedevice {
namespace {

namespace fs = std::filesystem;

constexpr char kDevices[] = "/sys/bus/mdev/devices";
constexpr std::size_t kMaxId = 63;

struct MediatedDevice {
  std::string uuid;
  std::string type_name;  // "GRID_T4-1Q"; empty: its driver gives it none
  std::string type_id;    // "nvidia-222"
  std::string parent;     // "0000:3b:00.0"
};

// As names of types are compared: resources cannot have spaces, so nobody writes them.
std::string WithoutSpaces(std::string_view name) {
  return absl::StrReplaceAll(absl::string_view(name.data(), name.size()), {{" ", "_"}});
}

std::vector<MediatedDevice> ListDevices(const HostRoot& host) {
  std::vector<MediatedDevice> devices;
  const fs::path folder = host.Resolve(kDevices);
  for (const std::string& uuid : NamesIn(folder)) {
    if (uuid.size() > kMaxId) continue;
    MediatedDevice device;
    device.uuid = uuid;
    std::error_code not_a_link;
    const fs::path type = fs::read_symlink(folder / uuid / "mdev_type", not_a_link);
    if (not_a_link) continue;  // just removed, or no mediated device
    device.type_id = type.filename().string();
    device.type_name = WithoutSpaces(ReadAttribute(folder / uuid / "mdev_type/name").value_or(""));
    const fs::path place = host.Canonical(absl::StrCat(kDevices, "/", device.uuid));
    device.parent = place.parent_path().filename().string();
    devices.push_back(std::move(device));
  }
  return devices;
}

bool Matches(const MdevSelector& selector, const MediatedDevice& device) {
  if (!selector.uuid.empty() && selector.uuid != device.uuid) return false;
  if (!selector.parent.empty() && !MatchPart(selector.parent, device.parent, nullptr)) return false;
  return selector.type.empty() || selector.type == device.type_id ||
         WithoutSpaces(selector.type) == device.type_name;
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

absl::StatusOr<Inventory> MdevSource::Scan() {
  Inventory inventory;
  DeviceSet& set = inventory.resources[resource_];
  AddVfioDirectories(host_, &inventory.directories);
  std::vector<bool> matched(mdev_.selectors.size());
  for (const MediatedDevice& found : ListDevices(host_)) {
    bool any = false;
    for (std::size_t i = 0; i < mdev_.selectors.size(); ++i) {
      if (!Matches(mdev_.selectors[i], found)) continue;
      matched[i] = any = true;
    }
    if (!any) continue;
    const std::string path = absl::StrCat(kDevices, "/", found.uuid);
    const std::string group = IommuGroupOf(host_, path);
    Device device;
    if (group.empty()) {
      device.problem = absl::StrCat(found.uuid, " is in no IOMMU group: has it a driver of vfio?");
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
