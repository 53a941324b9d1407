#pragma once

#include <string>

namespace nodedevice {

// A file or folder of the host for a container.
struct MountEdit {
  std::string host_path;
  std::string container_path;
  bool read_only = false;
  bool operator==(const MountEdit&) const = default;
};

}  // namespace nodedevice
