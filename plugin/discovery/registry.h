#pragma once

#include <memory>

#include "lib/api/device_plugin_config.h"
#include "lib/base/host_root.h"
#include "lib/base/status.h"
#include "plugin/discovery/source.h"

namespace nodedevice {

// The source for an entry's family: the one place that knows them all. Fails for a family that has
// none (exec: the agent starts such a plugin itself).
absl::StatusOr<std::unique_ptr<DiscoverySource>> MakeSource(const PluginSpec& spec,
                                                            const HostRoot& host);

}  // namespace nodedevice
