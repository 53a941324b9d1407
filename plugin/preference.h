#pragma once

#include <string>
#include <vector>

#include "lib/api/device_plugin_config.h"
#include "lib/base/status.h"
#include "plugin/announcement.h"

namespace nodedevice {

// Which of the free devices a container should get. Pure and deterministic: the kubelet's order is
// random, the answer depends only on the sets. `available` holds ids on the wire, `must_include`
// among them.
//
// Devices on NUMA nodes come before others of the same worth: the answer stays on the nodes of what
// must be included, else on the one node with the fewest devices that still suffice (packed) or the
// most free devices (spread). Within a NUMA node the same holds for the root buses of PCI. Among
// replicas, packed fills the device with the fewest free replicas first, spread takes the device
// with the most.
//
// Where it is known how well pairs of devices work together, and no device is shared, the answer is
// those that do best together, whatever the preference.
//
// Fails (kInvalidArgument) when `size` cannot be met or `must_include` holds more than `size`.
absl::StatusOr<std::vector<std::string>> Prefer(const Announcement& offered, Preference preference,
                                                const std::vector<std::string>& available,
                                                const std::vector<std::string>& must_include,
                                                int size);

}  // namespace nodedevice
