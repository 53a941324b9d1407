#pragma once

// The taint nodedevices.io/not-ready:NoSchedule (tolerations.h) of spec.startupTaint, which keeps
// pods off a node until the node's plugins are registered.

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "controller/agent_index.h"
#include "controller/membership.h"
#include "controller/observed.h"
#include "controller/writes.h"

namespace nodedevice {

// A configuration with spec.startupTaint that is carried out.
struct StartupAsker {
  std::string config;
  std::string uid;
  const Membership& membership;
};

struct StartupTaints {
  std::vector<NodePatch> patches;
  std::optional<WallSeconds> look_again;
};

// It is put on a node of an asker whose agent has not spoken since the node became ready. It is
// taken off when the agents of all askers there are ready, and from nodes that nobody asks for. In
// between it stays as it is: a plugin that fails later does not bring it back.
//
// An agent of before the node became ready counts again after kLateWord: it has lived through
// whatever the node was not ready for, such as a broken network, and has nothing new to say.
//
// Of the node nothing but this taint changes. The patch holds all taints, so it must not hit a
// newer version of the node.
StartupTaints PlanStartupTaints(const Observed& observed, const AgentIndex& agents,
                                const std::vector<StartupAsker>& askers);

inline constexpr std::chrono::minutes kLateWord{2};

}  // namespace nodedevice
