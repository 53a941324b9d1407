#include "plugin/discovery/numa.h"

#include <sys/sysmacros.h>

#include <algorithm>
#include <filesystem>
#include <string>

#include "absl/strings/numbers.h"
#include "lib/base/file.h"

namespace nodedevice {

std::vector<int> NumaNodesOfSysfs(const HostRoot& host, std::string_view sysfs_path) {
  constexpr std::string_view kDevices = "/sys/devices/";
  std::filesystem::path path = host.Canonical(sysfs_path);
  while (path.native().starts_with(kDevices)) {
    const auto text = ReadAttribute(host.Resolve((path / "numa_node").native()));
    int node = -1;
    // -1 says that the firmware does not know; a parent may.
    if (text.ok() && absl::SimpleAtoi(*text, &node) && node >= 0) return {node};
    path = path.parent_path();
  }
  return {};
}

void MergeNuma(const std::vector<int>& more, std::vector<int>* nodes) {
  for (const int node : more) {
    const auto at = std::lower_bound(nodes->begin(), nodes->end(), node);
    if (at == nodes->end() || *at != node) nodes->insert(at, node);
  }
}

void NumaLookup::BeginScan() {
  previous_ = std::move(known_);
  known_.clear();
}

const std::vector<int>& NumaLookup::NodesOf(const struct stat& device_node) {
  static const std::vector<int> kNone;
  const bool block = S_ISBLK(device_node.st_mode);
  if (!block && !S_ISCHR(device_node.st_mode)) return kNone;
  const Key key(block, device_node.st_rdev);
  if (const auto found = known_.find(key); found != known_.end()) return found->second;
  if (auto old = previous_.extract(key)) return known_.insert(std::move(old)).position->second;
  const std::string link =
      absl::StrCat("/sys/dev/", block ? "block/" : "char/", major(device_node.st_rdev), ":",
                   minor(device_node.st_rdev));
  return known_.emplace(key, NumaNodesOfSysfs(host_, link)).first->second;
}

}  // namespace nodedevice
