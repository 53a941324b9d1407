#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "devicemanager/numa_mask.h"
#include "lib/base/status.h"

namespace nodedevice::devicemanager {

// The kubelet's Topology Manager, as far as device plugins are concerned. Pure.

// What a kubelet is told with topologyManagerPolicy and topologyManagerScope.
enum class TopologyPolicy { kNone, kBestEffort, kRestricted, kSingleNumaNode };
enum class TopologyScope { kContainer, kPod };

struct TopologySettings {
  TopologyPolicy policy = TopologyPolicy::kNone;
  TopologyScope scope = TopologyScope::kContainer;
  NumaNodes nodes = {0};  // of the machine
};

// "none", "best-effort", "restricted" or "single-numa-node".
absl::StatusOr<TopologyPolicy> ParseTopologyPolicy(std::string_view name);
// "container" or "pod".
absl::StatusOr<TopologyScope> ParseTopologyScope(std::string_view name);

// A kubelet does not start on a machine with more than eight NUMA nodes unless its policy is none.
absl::Status CheckTopology(const TopologySettings& settings);

// One way to give out the devices of a request: all from these nodes.
struct TopologyHint {
  std::optional<NumaMask> nodes;  // nullopt: any
  bool preferred = false;
  bool operator==(const TopologyHint&) const = default;
};

// The ways of one resource. nullopt: it has no preference; none: it cannot be given out.
using ResourceHints = std::optional<std::vector<TopologyHint>>;

// Everything that decides about the hints of one resource.
struct HintRequest {
  int required = 0;
  DeviceNodes devices;              // all that the plugin listed, healthy or not
  std::set<std::string> available;  // healthy and held by nobody
  std::set<std::string> reusable;   // left over by init containers of this pod
  std::set<std::string> held;       // by whom the hint is for, already
  NumaNodes machine;                // the machine's nodes, eight at most
};

// A hint for each set of nodes whose devices are enough and hold all reusable ones. Those with as
// few nodes as the request needs at least, were no device in use, are preferred. Devices that are
// held already are the only ones that count.
ResourceHints MakeHints(const HintRequest& request);

// From which nodes a container's devices are to come.
struct Affinity {
  std::optional<NumaMask> nodes;  // nullopt: any
  bool admitted = true;
};

// The best combination of one hint of each resource, and whether the policy lets it pass.
Affinity MergeHints(const TopologySettings& settings, const std::vector<ResourceHints>& resources);

}  // namespace nodedevice::devicemanager
