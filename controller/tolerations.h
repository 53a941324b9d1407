#pragma once

#include "controller/observed.h"
#include "nlohmann/json.hpp"

namespace nodedevice {

// Our own taint (startup_taint.h).
inline constexpr char kStartupTaint[] = "nodedevices.io/not-ready";

// What the agents of a configuration tolerate: what it says, and our own taint, which keeps other
// pods off a node until its plugins are registered.
nlohmann::json AgentTolerations(const nlohmann::json& tolerations);

// The first taint that keeps a DaemonSet's pod with these tolerations off the node; nullptr: none
// does. Those of Kubernetes itself, such as node.kubernetes.io/unschedulable, are tolerated by
// every DaemonSet.
const Taint* UntoleratedTaint(const ObservedNode& node, const nlohmann::json& tolerations);

}  // namespace nodedevice
