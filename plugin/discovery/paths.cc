#include "plugin/discovery/paths.h"

#include <cerrno>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "plugin/discovery/device_node.h"
#include "plugin/discovery/glob.h"
#include "plugin/discovery/path_groups.h"
#include "plugin/discovery/usb.h"

namespace nodedevice {
namespace {

// "/dev/ttyUSB0" -> "ttyUSB0"
std::string_view FileName(std::string_view path) { return path.substr(path.rfind('/') + 1); }

// Where the container sees a path: as on the host (""), below a directory ("/dev/serial/"), or at a
// path of its own.
std::string ContainerPathFor(const PathRule& rule, const std::string& host_path,
                             const std::string& canonical) {
  if (rule.container_path.empty()) return host_path == canonical ? "" : host_path;
  if (rule.container_path.back() != '/') return rule.container_path;
  return rule.container_path + std::string(FileName(host_path));
}

}  // namespace

PathsSource::PathsSource(std::string resource, Paths paths, bool topology, const HostRoot& host)
    : resource_(std::move(resource)),
      paths_(std::move(paths)),
      topology_(topology),
      host_(host),
      numa_(host_) {}

absl::StatusOr<Inventory> PathsSource::Scan() {
  Inventory inventory;
  DeviceSet& set = inventory.resources[resource_];
  numa_.BeginScan();
  parent_.clear();
  canonical_parent_.clear();
  for (const PathGroup& group : paths_.groups) {
    if (group.usb.empty()) {
      ScanPaths(group, &inventory, &set);
    } else {
      ScanUsb(group, &inventory, &set);
    }
  }
  return inventory;
}

void PathsSource::ScanPaths(const PathGroup& group, Inventory* inventory, DeviceSet* set) {
  std::vector<std::vector<GlobMatch>> matches;
  for (const PathRule& rule : group.paths) {
    matches.push_back(ExpandGlob(host_, rule.pattern, &inventory->directories));
  }
  GroupResult combined = CombineGroup(group.paths, matches);
  for (std::string& note : combined.notes) inventory->notes.push_back(std::move(note));
  for (const GroupMember& member : combined.members) {
    std::string identity = resource_;
    const std::string* first = nullptr;
    Device device;
    for (const GroupMember::Part& part : member.parts) {
      const PathRule& rule = group.paths[part.rule];
      if (!rule.optional) {
        absl::StrAppend(&identity, "\n", part.host_path);
        if (first == nullptr) first = &part.host_path;
      }
      AddPath(rule, part.host_path, inventory, &device);
    }
    const std::string_view readable = first == nullptr ? "device" : FileName(*first);
    // Members come nearly in the order of the set, which makes the end the right guess.
    set->insert_or_assign(set->end(), MakeDeviceId(readable, identity), std::move(device));
  }
}

PathsSource::Target PathsSource::Look(const std::string& host_path) {
  const std::size_t slash = host_path.rfind('/');
  const std::string parent = host_path.substr(0, slash);
  if (parent != parent_) {
    parent_ = parent;
    canonical_parent_ = host_.Canonical(parent);
    if (canonical_parent_ == "/") canonical_parent_.clear();
  }
  Target target;
  target.path = canonical_parent_ + host_path.substr(slash);
  const auto stat = [&] {
    target.error = ::lstat(host_.ResolveNative(target.path).c_str(), &target.info) == 0 ? 0 : errno;
  };
  stat();
  if (target.error == 0 && S_ISLNK(target.info.st_mode)) {
    target.path = host_.Canonical(host_path);
    stat();
  }
  return target;
}

void PathsSource::AddPath(const PathRule& rule, const std::string& found, Inventory* inventory,
                          Device* device) {
  // Runtimes do not follow links of devices, so they are told what the link means.
  const Target target = Look(found);
  const std::string container = ContainerPathFor(rule, found, target.path);
  if (target.path != found) {
    inventory->directories.insert(host_.Resolve(target.path).parent_path());
  }
  if (rule.type == PathRule::Type::kMount) {
    device->mounts.push_back({target.path, container, rule.read_only});
    return;
  }
  AddNode({target.path, container, rule.permissions}, target, device);
}

void PathsSource::AddNode(DeviceNode node, const Target& target, Device* device) {
  std::string problem = NamedNodeProblem(node.host_path, target.error, target.info.st_mode);
  if (!problem.empty()) {
    device->problem = std::move(problem);
  } else if (topology_) {
    MergeNuma(numa_.NodesOf(target.info), &device->numa_nodes);
  }
  device->nodes.push_back(std::move(node));
}

void PathsSource::ScanUsb(const PathGroup& group, Inventory* inventory, DeviceSet* set) {
  const std::vector<UsbDevice> plugged = ListUsbDevices(host_, &inventory->directories);
  const UsbSets sets = CombineUsb(group.usb, plugged);
  for (const std::string& note : sets.notes) inventory->notes.push_back(note);
  for (const UsbSet& members : sets.sets) {
    Device device;
    for (const UsbDevice* usb : members) {
      AddNode({usb->node, "", "rw"}, Look(usb->node), &device);
      if (topology_) MergeNuma(NumaNodesOfUsb(host_, *usb), &device.numa_nodes);
    }
    set->insert_or_assign(UsbDeviceId(resource_, members), std::move(device));
  }
}

}  // namespace nodedevice
