#pragma once

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

// Family `mdev`: mediated devices, such as virtual GPUs.
struct Mdev {
  std::vector<MdevSelector> selectors;  // a device needs to match one of them
  bool operator==(const Mdev&) const = default;
};

}  // namespace nodedevice
