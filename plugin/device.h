#pragma once

// Devices as values. A scan makes a DeviceSet, the health tracker turns it into what is announced,
// the service answers from it. Equality decides whether anything changed.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "lib/api/replica_id.h"
#include "plugin/natural_order.h"

namespace nodedevice {

// A device node for a container. Host paths never carry the host root.
struct DeviceNode {
  std::string host_path;
  std::string container_path;  // empty: the same as host_path
  std::string permissions;
  bool operator==(const DeviceNode&) const = default;
  const std::string& ContainerPath() const {
    return container_path.empty() ? host_path : container_path;
  }
};

struct DeviceMount {
  std::string host_path;
  std::string container_path;  // empty: the same as host_path
  bool read_only = false;
  bool operator==(const DeviceMount&) const = default;
  const std::string& ContainerPath() const {
    return container_path.empty() ? host_path : container_path;
  }
};

// What a device adds to a list in the container's environment: "0000:3b:00.0" to PCI_RESOURCE_X.
struct EnvItem {
  std::string name;
  std::string item;
  bool operator==(const EnvItem&) const = default;
};

struct Device {
  std::string problem;          // empty: healthy; else why not, for people
  std::vector<int> numa_nodes;  // sorted; empty: no affinity known
  std::vector<DeviceNode> nodes;
  std::vector<DeviceMount> mounts;
  std::vector<EnvItem> env_items = {};
  std::vector<std::string> cdi = {};  // fully qualified CDI device names
  // Devices of one number hang on one root bus of PCI and reach each other without crossing the
  // processor's own links; 0: not known.
  std::uint32_t pci_root = 0;
  bool healthy() const { return problem.empty(); }
  bool operator==(const Device&) const = default;
};

// By id; iteration order is the order on the wire.
using DeviceSet = std::map<std::string, Device, NaturalLess>;

// Calls `visit(id, before, after)` for every id of the two sets in their order; the pointer is null
// where the set lacks it. One walk along both: the sets may hold thousands.
template <typename Visit>
void VisitBoth(const DeviceSet& before, const DeviceSet& after, const Visit& visit) {
  auto old = before.begin();
  auto now = after.begin();
  while (old != before.end() || now != after.end()) {
    const bool in_old =
        now == after.end() || (old != before.end() && !before.key_comp()(now->first, old->first));
    const bool in_now =
        old == before.end() || (now != after.end() && !before.key_comp()(old->first, now->first));
    const std::string& id = in_old ? old->first : now->first;
    visit(id, in_old ? &old->second : nullptr, in_now ? &now->second : nullptr);
    if (in_old) ++old;
    if (in_now) ++now;
  }
}

// "<readable>-<hash>": readable for people, unique among all devices of the node because the
// kubelet reports health by id alone, and the same at every start because it is made of what the
// device is, not of when it was found. `identity` should hold the resource name. At most 63
// characters.
std::string MakeDeviceId(std::string_view readable, std::string_view identity);

}  // namespace nodedevice
