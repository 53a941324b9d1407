#pragma once

#include <vector>

#include "agent/snapshot.h"
#include "lib/kube/api_event.h"

namespace nodedevice {

// What happened between two snapshots: Device Manager down, up and replaced; a plugin that keeps
// crashing, and one that stopped doing so; devices unhealthy, and all healthy again; a
// configuration refused, accepted, deleted.
std::vector<ApiEvent> EventsBetween(const Snapshot& before, const Snapshot& after);

}  // namespace nodedevice
