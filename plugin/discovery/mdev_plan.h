#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/api/mdev.h"
#include "plugin/discovery/mdev_bus.h"

namespace nodedevice {

// Which mediated devices an entry is to make and to remove: `mdev.create` of a configuration beside
// what there is. Pure values, any thread. Rules: docs/families/mdev.md; contracts/device-plugins.md
// 2.5 for what KubeVirt does.

// The UUID of the device number `index` (from 0) of a type on a parent, made for a resource:
// 6d646576-HHHH-8HHH-8HHH-HHHHHHNNNNNN with a hash H of these names and the number N. It is one of
// version 8 of RFC 9562, whose content is the maker's affair. So a device's own id says who has
// made it, to every later process, and it is the same after a reboot.
std::string MdevUuid(std::string_view resource, std::string_view parent, std::string_view type_id,
                     int index);

// The index of a device that was made for this resource; nullopt: somebody else has made it.
std::optional<int> IndexOfOwn(const MediatedDevice& device, std::string_view resource);

struct MdevPlan {
  struct Make {
    std::string uuid;
    std::string parent;
    std::string type_id;
    bool operator==(const Make&) const = default;
  };
  // What was made for the resource and is not asked for any more, by UUID: why, for people.
  std::map<std::string, std::string> unwanted;
  // In this order. A driver may have room for fewer, since types share it: ask it before each.
  std::vector<Make> make;
  // For people: where a rule has fewer than it asks for now, and why.
  std::vector<std::string> notes;
};

// "a; b; c; d; and 3 more": as many reasons as somebody will read.
std::string FirstReasons(const std::vector<std::string>& reasons);

// A rule keeps what it has, in the order of parents and numbers, and gets what it lacks: first on
// parents where it has some, then a parent for each rule in turn, and at last, when nobody finds a
// parent of his own, what is left on those of others. The same state gives the same plan.
MdevPlan PlanMdevs(const MdevParents& parents, const std::vector<MediatedDevice>& devices,
                   std::string_view resource, const std::vector<MdevCreation>& rules);

}  // namespace nodedevice
