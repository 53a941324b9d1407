#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "lib/base/status.h"
#include "plugin/device.h"

namespace nodedevice {

// What one look at the host found.
struct Inventory {
  std::map<std::string, DeviceSet> resources;  // by resource name; the same names at every scan
  // For people, why something is not announced: "/dev/kvm does not exist".
  std::vector<std::string> notes;
  // Where entries that appear or vanish are a reason to look again; below the host root.
  std::set<std::filesystem::path> directories;
  // Why nothing is to be registered yet: "/run/x exists". Of no matter once it was empty.
  std::string hold = {};
};

// One way of finding devices. A source reads the host below its root and tells what is there now,
// completely; it remembers nothing that matters and decides nothing about health over time. How to
// add one: docs/adding-a-discovery-source.md.
//
// Scan() may block on the file system and is called on the worker thread only, never twice at the
// same time. An error keeps what was announced before and is shown to people.
class DiscoverySource {
 public:
  virtual ~DiscoverySource() = default;
  virtual absl::StatusOr<Inventory> Scan() = 0;
};

}  // namespace nodedevice
