#pragma once

// A file of the node that an entry names and that somebody else writes, such as a vendor's own
// configuration.

#include <filesystem>
#include <set>
#include <string>

#include "lib/base/host_root.h"
#include "lib/base/status.h"

namespace nodedevice {

// What stands in it. A link is followed as a process of the host would: ConfigMaps are mounted as
// links. As ReadFile() otherwise, with at most 4 MiB.
absl::StatusOr<std::string> ReadNodeFile(const HostRoot& host, const std::string& path);

// Where an edit shows: the folders of the file, and of what a link leads to.
std::set<std::filesystem::path> NodeFileDirectories(const HostRoot& host, const std::string& path);

}  // namespace nodedevice
