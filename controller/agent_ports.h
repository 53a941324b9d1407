#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "nlohmann/json.hpp"

namespace nodedevice {

// Agents use the network of their node, and two configurations may be for one node: so each
// configuration has a port of its own. It keeps the one that its DaemonSet has; a new one gets the
// first that is free, from 9807 on.
std::map<std::string, std::uint16_t> AgentPorts(const std::vector<std::string>& configs,
                                                const std::vector<nlohmann::json>& daemon_sets);

// The annotation of a DaemonSet that keeps it.
inline constexpr char kPortAnnotation[] = "nodedevices.io/port";

}  // namespace nodedevice
