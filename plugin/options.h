#pragma once

#include <filesystem>
#include <string>
#include <variant>
#include <vector>

#include "lib/api/device_plugin_config.h"

namespace nodedevice {

struct PluginOptions {
  bool observe = false;             // instead of announcing devices
  std::vector<PluginSpec> plugins;  // at least one, else; names and resources are unique
  std::filesystem::path host_root;
  std::filesystem::path kubelet_dir;
  std::string log_format;
  std::string log_level;
};

// The command line as options, or the exit code when there is nothing to run: help was printed, or
// what is wrong was.
std::variant<PluginOptions, int> ParsePluginOptions(int argc, const char* const* argv);

}  // namespace nodedevice
