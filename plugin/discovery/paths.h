#pragma once

#include <sys/stat.h>

#include <string>

#include "lib/api/device_plugin_config.h"
#include "lib/base/host_root.h"
#include "plugin/discovery/numa.h"
#include "plugin/discovery/source.h"

namespace nodedevice {

// Family `paths`: groups of device nodes, files or USB devices that go together.
//
// Each group member becomes a device whose id is made of the resource and the member's required
// paths, or of a USB device's serial number or port; it does not change when an optional path comes
// and goes, when a symbolic link such as /dev/serial/by-id/... leads elsewhere, or when a USB
// device gets a new number.
class PathsSource : public DiscoverySource {
 public:
  PathsSource(std::string resource, Paths paths, bool topology, const HostRoot& host);
  absl::StatusOr<Inventory> Scan() override;

 private:
  // What is at a host path once links are followed.
  struct Target {
    std::string path;
    int error = 0;  // of lstat(path)
    struct stat info = {};
  };

  void ScanPaths(const PathGroup& group, Inventory* inventory, DeviceSet* set);
  void ScanUsb(const PathGroup& group, Inventory* inventory, DeviceSet* set);
  void AddPath(const PathRule& rule, const std::string& found, Inventory* inventory,
               Device* device);
  void AddNode(DeviceNode node, const Target& target, Device* device);
  Target Look(const std::string& host_path);

  std::string resource_;
  Paths paths_;
  bool topology_;
  HostRoot host_;
  NumaLookup numa_;
  // The directory looked at last: thousands of nodes have the same one.
  std::string parent_;
  std::string canonical_parent_;
};

}  // namespace nodedevice
