#pragma once

#include <filesystem>
#include <string>
#include <variant>

#include "lib/base/status.h"
#include "lib/service/command_line.h"
#include "lib/service/tls_flags.h"

namespace nodedevice {

// The command line of node-device-agent.
struct AgentOptions {
  // One of the two.
  std::filesystem::path config;
  std::string config_name;
  std::filesystem::path kubeconfig;  // empty: as a pod
  std::string node_name;
  std::string pod_name;  // empty outside a pod
  std::filesystem::path host_root = "/";
  std::filesystem::path kubelet_dir;
  std::string listen = "127.0.0.1:9807";
  TlsFlags https;
  std::filesystem::path plugin_binary;
  bool check = false;
  std::string log_format = "text";
  std::string log_level = "info";
};

// `own_binary`: the path of this program; node-device-plugin is looked for beside it by default.
std::variant<AgentOptions, EarlyExit> ParseAgentOptions(int argc, const char* const* argv,
                                                        const std::filesystem::path& own_binary);

}  // namespace nodedevice
