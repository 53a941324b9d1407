#pragma once

#include <string>

#include "nlohmann/json.hpp"

namespace nodedevice {

// What the controller was started with.
struct Settings {
  std::string name_space;     // where the agents run
  std::string image;          // theirs (RELATED_IMAGE)
  nlohmann::json daemon_set;  // what AgentDaemonSetYaml() says
  // The Secret with the certificate by which agents serve page and metrics on every address of
  // their node; empty: they serve them on its loopback only.
  std::string agent_tls_secret = {};
};

}  // namespace nodedevice
