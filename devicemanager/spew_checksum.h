#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "devicemanager/pod_devices.h"

namespace nodedevice::devicemanager {

// One element of the checkpoint's list of allocations.
struct PodDevicesEntry {
  std::string pod_uid;
  std::string container;
  std::string resource;
  HeldDevices held;
};

// The kubelet's checksum of its checkpoint: FNV-1a, 32 bits, over the text that Go's spew package
// prints of the data with its type names. `entries` in the order of the file, which is part of it.
std::uint32_t SpewChecksum(const std::vector<PodDevicesEntry>& entries,
                           const std::map<std::string, std::vector<std::string>>& registered);

}  // namespace nodedevice::devicemanager
