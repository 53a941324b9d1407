#pragma once

// NVIDIA's own configuration file of a node, as it is in force.

#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "lib/api/nvidia_config.h"
#include "lib/base/host_root.h"

namespace nodedevice {

// Reads the file that `config_file` of an entry names. While it cannot be read or is refused, what
// it said last stays in force: a bad edit takes no device away from anybody. One thread at a time.
class NvidiaConfigFile {
 public:
  NvidiaConfigFile(Nvidia entry, const HostRoot& host);

  struct State {
    std::optional<NvidiaConfig> config;  // nullopt: it has never said anything good
    std::vector<std::string> notes;      // for people: what is wrong, what is said in vain
    // Where an edit shows: of the file, and of what a link leads to, as ConfigMaps are mounted.
    std::set<std::filesystem::path> directories;
  };
  State Read();

 private:
  const Nvidia entry_;
  const HostRoot host_;
  std::optional<NvidiaConfig> last_good_;
};

}  // namespace nodedevice
