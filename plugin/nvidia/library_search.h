#pragma once

#include <filesystem>
#include <set>
#include <span>
#include <string>

#include "lib/base/host_root.h"

namespace nodedevice {

// Where distributions and installers put the driver's libraries, below the driver's root.
std::span<const char* const> LibraryFolders();

// Where the driver's library is, or was looked for.
struct LibrarySearch {
  std::filesystem::path found;  // below the host root, links followed; empty: nowhere
  std::string looked_in;        // for people: the folders, as host paths
  // Folders in which it may appear, below the host root.
  std::set<std::filesystem::path> directories;
};

// Looks for libnvidia-ml.so.1 in LibraryFolders().
LibrarySearch FindNvml(const HostRoot& host, const std::string& driver_root);

}  // namespace nodedevice
