#pragma once

#include <set>
#include <string>

#include "lib/base/status.h"
#include "lib/mco/label_selector.h"
#include "lib/mco/machine_config_pool.h"
#include "nlohmann/json.hpp"

namespace nodedevice {

// The affinity of a pod (spec.affinity) that lets a DaemonSet run on exactly the nodes of these
// pools: those that there are, and those that come. It is made of the pools' own node selectors, so
// no Node has to be labelled: a label of ours would be a write to every Node, could be removed by
// hand, and a new node would wait for the controller.
//
// A pool's nodes are those that its selector selects and that no pool before it takes ("worker, and
// neither infra nor master"). What a selector of several requirements does not select is one of
// several things, so the terms multiply; the affinity is exact whatever they are. Fails when it
// would take more than kMaxAffinityTerms, which selectors by role never do: they have one
// requirement.
//
// Null when none of the pools selects nodes.
absl::StatusOr<nlohmann::json> AffinityForPools(const NodePools& pools,
                                                const std::set<std::string>& selected);

// The same for the nodes that have all these labels. Like a pool, they are not Windows nodes.
// REQUIRES: there is a label.
nlohmann::json AffinityForLabels(const Labels& labels);

inline constexpr std::size_t kMaxAffinityTerms = 64;

}  // namespace nodedevice
