#pragma once

#include <map>
#include <string>

#include "devicemanager/node_state.h"
#include "devicemanager/topology.h"

namespace nodedevice::devicemanager {

// What the pod needs of each extended resource at its worst moment: when all its app containers and
// sidecars run, or one of its init containers beside the sidecars that were started before it.
std::map<std::string, int> PodLimits(const Pod& pod);

// Where the devices of a container should come from, of all resources that it asks for. `reusable`
// is what the pod's init containers left.
Affinity AffinityOf(const State& state, const TopologySettings& settings, const Pod& pod,
                    const Container& container, const ReusableDevices& reusable);

// The same for all containers of the pod together. As in a kubelet, what they hold already counts,
// and nothing is left by init containers.
Affinity AffinityOf(const State& state, const TopologySettings& settings, const Pod& pod);

}  // namespace nodedevice::devicemanager
