#include "devicemanager/allocation.h"

#include <algorithm>
#include <iterator>
#include <random>
#include <utility>
#include <vector>

namespace nodedevice::devicemanager {
namespace {

DeviceIds Difference(const DeviceIds& from, const DeviceIds& without) {
  DeviceIds result;
  std::set_difference(from.begin(), from.end(), without.begin(), without.end(),
                      std::inserter(result, result.end()));
  return result;
}

using Seed = std::optional<std::uint64_t>;

// In the order that the seed decides.
std::vector<std::string> Shuffled(const DeviceIds& pool, std::uint64_t seed) {
  std::vector<std::string> ids(pool.begin(), pool.end());
  // By hand: std::shuffle gives another order with each standard library.
  std::mt19937_64 random(seed);
  for (std::size_t left = ids.size(); left > 1; --left) {
    std::swap(ids[left - 1], ids[random() % left]);
  }
  return ids;
}

// Moves devices from `pool` to `taken` until that has `size` of them.
void TakeFrom(const DeviceIds& pool, int size, const Seed& seed, DeviceIds& taken) {
  const auto take = [&](const auto& ids) {
    for (const std::string& id : ids) {
      if (static_cast<int>(taken.size()) >= size) return;
      taken.insert(id);
    }
  };
  if (seed) {
    take(Shuffled(pool, *seed));
  } else {
    take(pool);
  }
}

struct ByAffinity {
  DeviceIds aligned;    // on a node of the affinity
  DeviceIds unaligned;  // on other nodes only
};

// Neither holds a device without topology, and both are empty when there is nothing to align.
ByAffinity SplitByAffinity(const AllocationRequest& request, const DeviceIds& available) {
  ByAffinity split;
  if (!request.affinity) return split;
  for (const std::string& id : available) {
    const auto nodes = request.numa_nodes.find(id);
    if (nodes == request.numa_nodes.end()) continue;
    const bool on_a_node = std::any_of(nodes->second.begin(), nodes->second.end(),
                                       [](std::int64_t node) { return node >= 0; });
    if (request.affinity->HasAny(nodes->second)) {
      split.aligned.insert(id);
    } else if (on_a_node) {
      split.unaligned.insert(id);
    }
  }
  return split;
}

}  // namespace

absl::StatusOr<AllocationDecision> DecideAllocation(const AllocationRequest& request) {
  const std::string& resource = request.resource;
  if (request.held && static_cast<int>(request.held->size()) != request.required) {
    return absl::FailedPreconditionError(
        absl::StrCat("pod \"", request.pod_uid, "\" container \"", request.container,
                     "\" changed request for resource \"", resource, "\" from ",
                     request.held->size(), " to ", request.required));
  }
  if (!request.registered) {
    return absl::NotFoundError(absl::StrCat("cannot allocate unregistered device ", resource));
  }
  if (request.healthy.empty()) {
    return absl::UnavailableError(
        absl::StrCat("no healthy devices present; cannot allocate unhealthy devices ", resource));
  }
  if (request.held && !Difference(*request.held, request.healthy).empty()) {
    return absl::UnavailableError(absl::StrCat(
        "previously allocated devices are no longer healthy; cannot allocate unhealthy devices ",
        resource));
  }
  if (request.held || request.required == 0) return NothingNeeded{};

  // The kubelet does not ask whether a reused device is still healthy.
  DeviceIds taken;
  TakeFrom(request.reusable, request.required, request.seed, taken);
  const int needed = request.required - static_cast<int>(taken.size());
  if (needed == 0) return TakeDevices{std::move(taken)};

  const DeviceIds available = Difference(Difference(request.healthy, request.in_use), taken);
  if (static_cast<int>(available.size()) < needed) {
    return absl::ResourceExhaustedError(absl::StrCat("requested number of devices unavailable for ",
                                                     resource, ". Requested: ", needed,
                                                     ", Available: ", available.size()));
  }
  const ByAffinity free = SplitByAffinity(request, available);
  AskPlugin ask{.available = available,
                .must_include = {},
                .size = request.required,
                .first = {},
                .seed = request.seed};
  if (needed < static_cast<int>(free.aligned.size())) {
    ask.available = free.aligned;
  } else {
    TakeFrom(free.aligned, request.required, request.seed, taken);
    if (static_cast<int>(taken.size()) == request.required) return TakeDevices{std::move(taken)};
    ask.first = free.unaligned;
  }
  ask.available.insert(taken.begin(), taken.end());
  ask.must_include = std::move(taken);
  if (request.prefers) return ask;
  ASSIGN_OR_RETURN(TakeDevices complete, Complete(ask, {}));
  return complete;
}

absl::StatusOr<TakeDevices> Complete(const AskPlugin& asked, const DeviceIds& preferred) {
  DeviceIds taken = asked.must_include;
  DeviceIds offered_and_preferred;
  std::set_intersection(preferred.begin(), preferred.end(), asked.available.begin(),
                        asked.available.end(),
                        std::inserter(offered_and_preferred, offered_and_preferred.end()));
  TakeFrom(offered_and_preferred, asked.size, asked.seed, taken);
  TakeFrom(asked.first, asked.size, asked.seed, taken);
  TakeFrom(asked.available, asked.size, asked.seed, taken);
  if (static_cast<int>(taken.size()) < asked.size) {
    return absl::InternalError(
        absl::StrCat("unexpectedly allocated less resources than required. Requested: ", asked.size,
                     ", Got: ", taken.size()));
  }
  return TakeDevices{std::move(taken)};
}

}  // namespace nodedevice::devicemanager
