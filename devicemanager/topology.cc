#include "devicemanager/topology.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace nodedevice::devicemanager {
namespace {

constexpr std::size_t kMaxNumaNodes = 8;

using Hints = std::vector<TopologyHint>;

bool HasTopology(const DeviceNodes& devices) {
  return std::any_of(devices.begin(), devices.end(),
                     [](const auto& device) { return !device.second.empty(); });
}

const NumaNodes& NodesOf(const DeviceNodes& devices, const std::string& id) {
  static const NumaNodes kNone;
  const auto found = devices.find(id);
  return found == devices.end() ? kNone : found->second;
}

// The nodes of the machine that have devices; all of the machine's when none has.
NumaNodes NodesWithDevices(const DeviceNodes& devices, const NumaNodes& machine) {
  const NumaMask known(machine);
  std::set<std::int64_t> with_devices;
  for (const auto& [id, nodes] : devices) {
    for (const std::int64_t node : nodes) {
      if (known.Has(node)) with_devices.insert(node);
    }
  }
  return with_devices.empty() ? machine : NumaNodes(with_devices.begin(), with_devices.end());
}

// Every set of at least one of the nodes.
std::vector<NumaMask> SubsetsOf(const NumaNodes& nodes) {
  std::vector<NumaMask> subsets;
  for (std::size_t chosen = 1; chosen < std::size_t{1} << nodes.size(); ++chosen) {
    NumaNodes subset;
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      if ((chosen >> i & 1) != 0) subset.push_back(nodes[i]);
    }
    subsets.emplace_back(subset);
  }
  return subsets;
}

int CountOn(NumaMask mask, const DeviceNodes& devices, const std::set<std::string>& ids) {
  return static_cast<int>(std::count_if(ids.begin(), ids.end(), [&](const std::string& id) {
    return mask.HasAny(NodesOf(devices, id));
  }));
}

// A device without topology is on no node, and stands in nobody's way.
bool HasAllOf(NumaMask mask, const DeviceNodes& devices, const std::set<std::string>& ids) {
  return std::all_of(ids.begin(), ids.end(), [&](const std::string& id) {
    const NumaNodes& nodes = NodesOf(devices, id);
    return nodes.empty() || mask.HasAny(nodes);
  });
}

Hints Generate(const HintRequest& request, const std::set<std::string>& available,
               const std::set<std::string>& reusable) {
  const NumaNodes nodes = NodesWithDevices(request.devices, request.machine);
  std::set<std::string> all;
  for (const auto& [id, unused] : request.devices) all.insert(id);

  int fewest = static_cast<int>(nodes.size());
  Hints hints;
  for (const NumaMask mask : SubsetsOf(nodes)) {
    if (CountOn(mask, request.devices, all) >= request.required) {
      fewest = std::min(fewest, mask.Count());
    }
    if (!HasAllOf(mask, request.devices, reusable)) continue;
    const int matching =
        CountOn(mask, request.devices, reusable) + CountOn(mask, request.devices, available);
    if (matching >= request.required) hints.push_back({.nodes = mask, .preferred = false});
  }
  for (TopologyHint& hint : hints) hint.preferred = hint.nodes->Count() == fewest;
  return hints;
}

// What a combination of hints has come to so far. The number of different ones is small, whatever
// the number of combinations.
struct Combination {
  NumaMask nodes;      // common to all hints
  bool named = false;  // some hint named nodes
  bool preferred = true;
  bool operator<(const Combination& other) const {
    return std::tie(nodes, named, preferred) < std::tie(other.nodes, other.named, other.preferred);
  }
};

Combination With(Combination combination, const TopologyHint& hint) {
  combination.preferred = combination.preferred && hint.preferred;
  if (!hint.nodes) return combination;
  // Preferred is only what all hints agree on.
  if (combination.named && combination.nodes != *hint.nodes) combination.preferred = false;
  combination.nodes = combination.nodes & *hint.nodes;
  combination.named = true;
  return combination;
}

// How many nodes the resource needs that needs the most.
int NodesNeeded(const std::vector<Hints>& resources) {
  int needed = 0;
  for (const Hints& hints : resources) {
    std::optional<int> fewest;
    for (const TopologyHint& hint : hints) {
      if (hint.nodes) fewest = std::min(fewest.value_or(hint.nodes->Count()), hint.nodes->Count());
    }
    needed = std::max(needed, fewest.value_or(0));
  }
  return needed;
}

// Preferred comes before not preferred, few nodes before many. Where nothing is preferred, as many
// nodes as the neediest resource needs are best, then fewer, then more.
bool IsBetter(const TopologyHint& hint, const TopologyHint& than, int needed) {
  if (hint.preferred != than.preferred) return hint.preferred;
  const int count = hint.nodes->Count();
  const int other = than.nodes->Count();
  if (!hint.preferred && count != other && std::min(count, other) <= needed) {
    return std::max(count, other) <= needed ? count > other : count < other;
  }
  return hint.nodes->IsNarrowerThan(*than.nodes);
}

// All resources' hints, with words for those that have none.
std::vector<Hints> Complete(const std::vector<ResourceHints>& resources) {
  std::vector<Hints> complete;
  for (const ResourceHints& hints : resources) {
    if (hints && !hints->empty()) {
      complete.push_back(*hints);
    } else {
      complete.push_back({{.nodes = std::nullopt, .preferred = !hints.has_value()}});
    }
  }
  return complete;
}

bool FitsOneNode(const TopologyHint& hint) {
  return hint.preferred && (!hint.nodes || hint.nodes->Count() == 1);
}

TopologyHint Best(const std::vector<Hints>& resources, NumaMask machine) {
  std::set<Combination> combinations = {{.nodes = machine, .named = false, .preferred = true}};
  for (const Hints& hints : resources) {
    std::set<Combination> longer;
    for (const Combination& combination : combinations) {
      for (const TopologyHint& hint : hints) longer.insert(With(combination, hint));
    }
    combinations = std::move(longer);
  }
  const int needed = NodesNeeded(resources);
  std::optional<TopologyHint> best;
  for (const Combination& combination : combinations) {
    if (combination.nodes.Empty()) continue;
    const TopologyHint hint{.nodes = combination.nodes, .preferred = combination.preferred};
    if (!best || IsBetter(hint, *best, needed)) best = hint;
  }
  return best.value_or(TopologyHint{.nodes = machine, .preferred = false});
}

}  // namespace

absl::StatusOr<TopologyPolicy> ParseTopologyPolicy(std::string_view name) {
  if (name == "none") return TopologyPolicy::kNone;
  if (name == "best-effort") return TopologyPolicy::kBestEffort;
  if (name == "restricted") return TopologyPolicy::kRestricted;
  if (name == "single-numa-node") return TopologyPolicy::kSingleNumaNode;
  return absl::InvalidArgumentError(absl::StrCat(
      "'", std::string(name), "' is none of none, best-effort, restricted, single-numa-node"));
}

absl::StatusOr<TopologyScope> ParseTopologyScope(std::string_view name) {
  if (name == "container") return TopologyScope::kContainer;
  if (name == "pod") return TopologyScope::kPod;
  return absl::InvalidArgumentError(
      absl::StrCat("'", std::string(name), "' is neither container nor pod"));
}

absl::Status CheckTopology(const TopologySettings& settings) {
  if (settings.policy == TopologyPolicy::kNone || settings.nodes.size() <= kMaxNumaNodes) {
    return absl::OkStatus();
  }
  return absl::FailedPreconditionError(absl::StrCat(
      "this machine has ", settings.nodes.size(), " NUMA nodes; with a policy other than none a ",
      "kubelet is unsupported on machines with more than ", kMaxNumaNodes, " NUMA Nodes"));
}

ResourceHints MakeHints(const HintRequest& request) {
  if (!HasTopology(request.devices)) return std::nullopt;
  if (!request.held.empty()) {
    if (static_cast<int>(request.held.size()) != request.required) return Hints();
    return Generate(request, request.held, {});
  }
  std::set<std::string> takeable = request.available;
  takeable.insert(request.reusable.begin(), request.reusable.end());
  if (static_cast<int>(takeable.size()) < request.required) return Hints();
  return Generate(request, request.available, request.reusable);
}

Affinity MergeHints(const TopologySettings& settings, const std::vector<ResourceHints>& resources) {
  if (settings.policy == TopologyPolicy::kNone) return {};
  std::vector<Hints> hints = Complete(resources);
  const bool one_node = settings.policy == TopologyPolicy::kSingleNumaNode;
  if (one_node) {
    for (Hints& of_resource : hints) {
      std::erase_if(of_resource, [](const TopologyHint& hint) { return !FitsOneNode(hint); });
    }
  }
  const NumaMask machine(settings.nodes);
  const TopologyHint best = Best(hints, machine);
  Affinity affinity{.nodes = best.nodes, .admitted = best.preferred};
  if (settings.policy == TopologyPolicy::kBestEffort) affinity.admitted = true;
  if (one_node && best.nodes == machine) affinity.nodes.reset();
  return affinity;
}

}  // namespace nodedevice::devicemanager
