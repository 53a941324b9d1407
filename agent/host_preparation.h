#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "lib/api/device_plugin_config.h"

namespace nodedevice {

// What spec.nodePreparation asks for and this host does not have, a sentence each, sorted as it is
// asked for; empty: it has everything. Of vfio devices those count that are there: a pool may have
// nodes without the card.
//
// `host_root` is the host's /; its proc and sys are read, or those of this process where it has
// none, as in a container: both show the same kernel. Reads files, any thread.
std::vector<std::string> LackingOnHost(const NodePreparation& preparation,
                                       const std::filesystem::path& host_root);

}  // namespace nodedevice
