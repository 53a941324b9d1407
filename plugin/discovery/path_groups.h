#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "lib/api/device_plugin_config.h"
#include "plugin/discovery/glob.h"

namespace nodedevice {

// One device-to-be of a group: what each of the group's rules contributes.
struct GroupMember {
  struct Part {
    std::size_t rule;  // index in the group
    std::string host_path;
    bool operator==(const Part&) const = default;
  };
  std::string key;  // what the wildcards matched; "" where there are none
  std::vector<Part> parts;
  bool operator==(const GroupMember&) const = default;
};

struct GroupResult {
  std::vector<GroupMember> members;
  std::vector<std::string> notes;  // why there are none, or fewer than could be
};

// Puts the matches of a group's rules together. Pure. `matches[i]` are those of `rules[i]`.
//
// Wildcard rules are paired by the text that their wildcards matched, so `/dev/snd/controlC*` and
// `/dev/snd/hwC*` make one member per card, and unplugging one card moves no other. Rules without
// wildcards join every member, as often as their `limit` allows: the members beyond the smallest
// limit of a required one are cut off. A member lacks a required path: it does not exist. A member
// lacks an optional one: it goes without.
GroupResult CombineGroup(const std::vector<PathRule>& rules,
                         const std::vector<std::vector<GlobMatch>>& matches);

}  // namespace nodedevice
