#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>

#include "lib/base/host_root.h"
#include "lib/base/status.h"
#include "plugin/zcrypt/apqn_id.h"
#include "plugin/zcrypt/host_edits.h"

namespace nodedevice {

// What a container sees of the AP bus in /sys: a tree that has its card and its queue only, for the
// programs that look there for what they may use. It is mounted in three places of the container.

// A file with its text, or a link with where it leads.
struct ShadowEntry {
  bool link = false;
  std::string text;
  bool operator==(const ShadowEntry&) const = default;
};
// By the path below the tree, "bus/ap/apmask". Folders are there for what is in them.
using ShadowTree = std::map<std::string, ShadowEntry>;

// Folders of the tree, and the link of a live one to the queue itself.
inline constexpr char kShadowBus[] = "bus/ap";
inline constexpr char kShadowDevices[] = "devices/ap";
inline constexpr char kShadowQueue[] = "tmp_bus";

// The tree for a queue, made of what the host's /sys says now. `owner` is the resource, which is
// kept in it: the folder alone would not tell which entry it belongs to.
//
// With `live` the card's state and counters are those of the queue, which is mounted over the
// tree's own; without they are "online" and 0. An error names the attribute that is missing.
absl::StatusOr<ShadowTree> DescribeShadow(const ApqnId& id, bool live, const std::string& owner,
                                          const HostRoot& host);

// Sees to it that this tree, and nothing else, is in the folder of the id below `base`. Does
// nothing when it is so: a container may have it mounted. Else the new tree is put together beside
// it, so that an error leaves the old one, and then takes its place. `base` is made when it is
// missing, and refused when somebody else than we could put links into it.
absl::Status EnsureShadow(const ApqnId& id, const ShadowTree& tree, const std::string& base,
                          const HostRoot& host, HostEdits& edits);

// Does nothing when there is none.
absl::Status RemoveShadow(const ApqnId& id, const std::string& base, HostEdits& edits);

// The ids whose folders are below `base`, each with the owner that is in it; nullopt: none is, as
// in a tree of IBM's plugin.
std::map<std::string, std::optional<std::string>> Shadows(const std::string& base,
                                                          const HostRoot& host);

}  // namespace nodedevice
