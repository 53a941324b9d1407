#include "plugin/discovery/vfio.h"

#include <fcntl.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "lib/base/file.h"
#include "lib/base/unique_fd.h"
#include "plugin/discovery/device_node.h"

namespace nodedevice {
namespace {

constexpr char kContainer[] = "/dev/vfio/vfio";
constexpr char kGroups[] = "/dev/vfio/";
constexpr char kDevices[] = "/dev/vfio/devices";
constexpr char kPermissions[] = "mrw";

// Without an IOMMU, on the administrator's own word, the node has another name.
std::string PathOfGroup(const HostRoot& host, const std::string& group) {
  const auto name =
      ReadAttribute(host.Resolve(absl::StrCat("/sys/kernel/iommu_groups/", group, "/name")));
  const bool no_iommu = name.ok() && *name == "vfio-noiommu";
  return absl::StrCat(kGroups, no_iommu ? "noiommu-" : "", group);
}

void AddNode(const HostRoot& host, std::string path, Device* device) {
  if (device->problem.empty()) device->problem = NodeProblem(host, path);
  device->nodes.push_back({std::move(path), "", kPermissions});
}

}  // namespace

std::string IommuGroupOf(const HostRoot& host, std::string_view sysfs_path) {
  std::error_code error;
  const std::filesystem::path link = std::filesystem::read_symlink(
      host.Resolve(absl::StrCat(std::string(sysfs_path), "/iommu_group")), error);
  return error ? "" : link.filename().string();
}

void AddGroupNodes(const HostRoot& host, const std::string& group, GroupNode node, Device* device) {
  AddNode(host, kContainer, device);
  if (node == GroupNode::kIsThere) {
    AddNode(host, PathOfGroup(host, group), device);
  } else {
    device->nodes.push_back({PathOfGroup(host, group), "", kPermissions});
  }
}

bool IsGroupOpen(const HostRoot& host, const std::string& group) {
  const UniqueFd fd(::open(host.ResolveNative(PathOfGroup(host, group)).c_str(),
                           O_RDWR | O_CLOEXEC | O_NONBLOCK));
  return !fd && errno == EBUSY;
}

void AddDeviceNodes(const HostRoot& host, std::string_view sysfs_path, Device* device) {
  const auto folder = host.Resolve(absl::StrCat(std::string(sysfs_path), "/vfio-dev"));
  for (const std::string& name : NamesIn(folder)) {
    std::string path = absl::StrCat(kDevices, "/", name);
    // The folder in sysfs is there on kernels, too, that were built without such nodes.
    if (NodeProblem(host, path).empty())
      device->nodes.push_back({std::move(path), "", kPermissions});
  }
}

void AddVfioDirectories(const HostRoot& host, std::set<std::filesystem::path>* directories) {
  directories->insert(host.Resolve("/dev/vfio"));
  directories->insert(host.Resolve(kDevices));
}

}  // namespace nodedevice
