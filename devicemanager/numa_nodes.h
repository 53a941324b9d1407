#pragma once

#include <string_view>

#include "devicemanager/numa_mask.h"
#include "lib/base/host_root.h"
#include "lib/base/status.h"

namespace nodedevice::devicemanager {

// The NUMA nodes of the machine below `host`, in order, from /sys/devices/system/node. A machine
// that does not tell has one, number 0. An error is a number that a kubelet could not handle.
absl::StatusOr<NumaNodes> ReadNumaNodes(const HostRoot& host);

// A machine that does not exist: "0,1" or "0-3,7".
absl::StatusOr<NumaNodes> ParseNumaNodes(std::string_view list);

}  // namespace nodedevice::devicemanager
