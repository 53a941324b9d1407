#pragma once

#include <cstdint>
#include <string>

#include "controller/settings.h"
#include "lib/api/device_plugin_config.h"
#include "nlohmann/json.hpp"

namespace nodedevice {

// "node-device-agent-CONFIG"; a hash stands for the end of one that is too long for a label.
std::string DaemonSetName(const std::string& config);

// What differs between the DaemonSets of configurations.
struct DaemonSetSpec {
  const DevicePluginConfig& config;
  std::string config_uid;
  nlohmann::json affinity;
  std::uint16_t port = 0;
  bool has_scc = false;
};

// The whole object for server-side apply, made of Settings::daemon_set. It belongs to the
// configuration and goes away with it. Its pods tolerate what the configuration says and the taint
// nodedevices.io/not-ready, which is for other pods.
nlohmann::json RenderDaemonSet(const DaemonSetSpec& spec, const Settings& settings);

}  // namespace nodedevice
