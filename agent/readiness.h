#pragma once

#include <string>
#include <vector>

#include "agent/snapshot.h"

namespace nodedevice {

// Why this node is not ready to hand out what its configuration asks for, one sentence each, for
// people. Empty: a configuration was accepted, the Device Manager answers and every plugin runs and
// is registered.
std::vector<std::string> NotReadyReasons(const Snapshot& snapshot);

// Why the agent itself does not do its work; empty: it does.
std::vector<std::string> NotAliveReasons(const Snapshot& snapshot, TimePoint now);

}  // namespace nodedevice
