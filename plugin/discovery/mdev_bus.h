#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/host_root.h"
#include "plugin/natural_order.h"

namespace nodedevice {

// Mediated devices and what they are made of, as sysfs shows them. Reading blocks on sysfs only.

// Host paths. A device is a link below the first, its parent one below the second.
inline constexpr char kMdevDevices[] = "/sys/bus/mdev/devices";
inline constexpr char kMdevParents[] = "/sys/class/mdev_bus";

struct MediatedDevice {
  std::string uuid;
  std::string type_id;    // "nvidia-222"
  std::string type_name;  // "GRID_T4-1Q", no spaces; empty: its driver gives it none
  std::string parent;     // "0000:3b:00.0"
  bool operator==(const MediatedDevice&) const = default;
};

// What a parent can be cut into.
struct MdevType {
  std::string name;     // as MediatedDevice::type_name
  int available = 0;    // how many of them can be made now
  std::string problem;  // why there is none available, where that is not the driver's plain 0
  bool operator==(const MdevType&) const = default;
};

using MdevTypes = std::map<std::string, MdevType, NaturalLess>;     // by id
using MdevParents = std::map<std::string, MdevTypes, NaturalLess>;  // by name

// All that can be read; what cannot, or vanishes meanwhile, is left out. In the order of the UUIDs.
std::vector<MediatedDevice> ListMdevs(const HostRoot& host);
MdevParents ListMdevParents(const HostRoot& host);

// How many more of a type can be made now: the driver's own word, kMaxMadeMdevs at most. When it
// cannot be read or is no number it is 0, and `problem` says so.
int ReadAvailable(const HostRoot& host, const std::string& parent, const std::string& type_id,
                  std::string* problem);

// Whether a configuration that says `wanted` means this type.
bool IsMdevType(std::string_view wanted, std::string_view type_id, std::string_view type_name);

// Host paths of the attributes that make and remove devices.
std::string MdevCreatePath(const std::string& parent, const std::string& type_id);
std::string MdevRemovePath(const std::string& uuid);

}  // namespace nodedevice
