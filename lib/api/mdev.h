#pragma once

#include <optional>
#include <string>
#include <vector>

namespace nodedevice {

// What must be true of a mediated device, all of it; a field that is empty does not ask.
struct MdevSelector {
  std::string type =
      {};  // its name, "GRID T4-1Q" or "GRID_T4-1Q", or its id in sysfs, "nvidia-222"
  std::string uuid = {};    // in lower case
  std::string parent = {};  // the device that it is a part of, "0000:3b:00.0"; may hold * and ?
  bool operator==(const MdevSelector&) const = default;
};

// At most this many devices are made for one rule, whatever a driver says that it has room for.
inline constexpr int kMaxMadeMdevs = 4096;

// Which mediated devices there are to be, where nobody else makes them.
struct MdevCreation {
  std::string type = {};                  // as a selector has it
  std::optional<int> count = {};          // of all on the node; nullopt: as many as fit
  std::vector<std::string> parents = {};  // as a selector has them; empty: any
  bool operator==(const MdevCreation&) const = default;
};

// Family `mdev`: mediated devices, such as virtual GPUs.
struct Mdev {
  std::vector<MdevSelector> selectors;    // a device needs to match one of them
  std::vector<MdevCreation> create = {};  // empty: nothing is made, and nothing removed
  bool operator==(const Mdev&) const = default;
};

}  // namespace nodedevice
