#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <string_view>

#include "lib/base/host_root.h"
#include "plugin/device.h"

namespace nodedevice {

// What a container needs of /dev/vfio for an IOMMU group.

// The number of the group that a device below /sys/bus is in; empty: in none, so that vfio cannot
// give it away.
std::string IommuGroupOf(const HostRoot& host, std::string_view sysfs_path);

// Whether the group's own node is to be there already, or comes when the group is bound.
enum class GroupNode { kIsThere, kComes };

// Adds /dev/vfio/vfio and the group's own node. A node that is missing is the device's problem,
// unless it has one already.
void AddGroupNodes(const HostRoot& host, const std::string& group, GroupNode node, Device* device);

// Whether a process has the group: the kernel gives it to one at a time.
bool IsGroupOpen(const HostRoot& host, const std::string& group);

// Adds the nodes of the newer way into vfio, with iommufd, below /dev/vfio/devices, for a device
// below /sys/bus. Most kernels make none.
void AddDeviceNodes(const HostRoot& host, std::string_view sysfs_path, Device* device);

// Where these nodes come and go.
void AddVfioDirectories(const HostRoot& host, std::set<std::filesystem::path>* directories);

}  // namespace nodedevice
