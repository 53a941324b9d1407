#pragma once

#include <sys/stat.h>

#include <map>
#include <string_view>
#include <utility>
#include <vector>

#include "lib/base/host_root.h"

namespace nodedevice {

// The NUMA node of a directory below /sys/devices or of its nearest parent that knows one, as a
// list of none or one.
std::vector<int> NumaNodesOfSysfs(const HostRoot& host, std::string_view sysfs_path);

// Adds NUMA nodes to a sorted list, each once.
void MergeNuma(const std::vector<int>& more, std::vector<int>* nodes);

// The NUMA nodes of device nodes, found through /sys/dev. Remembers what it found as long as every
// scan asks for the device, so that a rescan of thousands costs no look into sysfs and a device
// that was away is looked up anew. Not thread-safe.
class NumaLookup {
 public:
  explicit NumaLookup(const HostRoot& host) : host_(host) {}

  // Forgets nodes that were not asked for since the last call.
  void BeginScan();

  const std::vector<int>& NodesOf(const struct stat& device_node);

 private:
  using Key = std::pair<bool, dev_t>;  // block, device number
  const HostRoot& host_;
  std::map<Key, std::vector<int>> known_;
  std::map<Key, std::vector<int>> previous_;
};

}  // namespace nodedevice
