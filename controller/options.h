#pragma once

#include <filesystem>
#include <string>
#include <variant>

#include "lib/kube/lease_times.h"
#include "lib/service/command_line.h"
#include "lib/service/tls_flags.h"

namespace nodedevice {

// The command line of node-device-controller.
struct ControllerOptions {
  std::filesystem::path kubeconfig;  // empty: as a pod
  std::string name_space = "node-device";
  std::string agent_image;
  std::string agent_tls_secret;  // empty: agents serve on their node's loopback only
  std::string pod_name;          // empty outside a pod
  std::string listen = "127.0.0.1:9808";
  std::string health_listen;  // empty: only `listen`
  TlsFlags https;
  LeaseTimes lease_times;
  bool lease_times_given = false;  // else they follow the cluster
  std::string log_format = "text";
  std::string log_level = "info";
};

std::variant<ControllerOptions, EarlyExit> ParseControllerOptions(int argc,
                                                                  const char* const* argv);

}  // namespace nodedevice
