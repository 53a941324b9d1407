#include "plugin/discovery/static.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "plugin/discovery/device_node.h"

namespace nodedevice {
namespace {

// Tells a container, and a test, that the runtime has read the file.
constexpr char kCdiVariable[] = "CDI_DEVICE";

}  // namespace

StaticSource::StaticSource(std::string resource, Static devices, bool topology,
                           const HostRoot& host)
    : resource_(std::move(resource)),
      devices_(std::move(devices)),
      topology_(topology),
      host_(host) {
  if (!devices_.cdi_kind.empty()) cdi_.emplace(host_, resource_);
}

absl::StatusOr<Inventory> StaticSource::Scan() {
  Inventory inventory;
  DeviceSet& set = inventory.resources[resource_];
  for (const StaticDevice& device : devices_.devices) set[device.id] = Make(device, &inventory);
  if (cdi_) MoveToCdi(&set);
  if (!devices_.hold_file.empty()) {
    const std::filesystem::path named(devices_.hold_file);
    const std::filesystem::path folder =
        host_.Resolve(host_.Canonical(named.parent_path().native()));
    const std::filesystem::path file = folder / named.filename();
    inventory.directories.insert(folder);
    struct stat info;
    if (::lstat(file.c_str(), &info) == 0) {
      inventory.hold = absl::StrCat(devices_.hold_file, " exists");
    }
  }
  return inventory;
}

Device StaticSource::Make(const StaticDevice& device, Inventory* inventory) const {
  Device made;
  if (topology_) {
    made.numa_nodes = device.numa_nodes;
    std::ranges::sort(made.numa_nodes);
    made.numa_nodes.erase(std::unique(made.numa_nodes.begin(), made.numa_nodes.end()),
                          made.numa_nodes.end());
  }
  for (const StaticNode& node : device.nodes) {
    inventory->directories.insert(host_.Resolve(node.path).parent_path());
    if (made.problem.empty()) made.problem = NodeProblem(host_, node.path);
    made.nodes.push_back({node.path, node.container_path, node.permissions});
  }
  for (const MountEdit& mount : device.mounts) {
    made.mounts.push_back({mount.host_path, mount.container_path, mount.read_only});
  }
  if (!devices_.ids_env.empty()) made.env_items.push_back({devices_.ids_env, device.id});
  if (!device.healthy) {
    made.problem = device.reason.empty() ? "the configuration says so" : device.reason;
  }
  return made;
}

void StaticSource::MoveToCdi(DeviceSet* set) {
  CdiSpec spec{.kind = devices_.cdi_kind};
  for (auto& [id, device] : *set) {
    CdiEdits& edits = spec.devices[id];
    edits.envs[kCdiVariable] = id;
    edits.nodes = std::exchange(device.nodes, {});
    edits.mounts = std::exchange(device.mounts, {});
    device.cdi = {CdiName(devices_.cdi_kind, id)};
  }
  const absl::Status written = cdi_->Write(spec);
  if (written.ok()) return;
  for (auto& [id, device] : *set) {
    if (!device.healthy()) continue;
    device.problem =
        absl::StrCat("the container runtime cannot be told of it: ", written.message());
  }
}

}  // namespace nodedevice
