#include "controller/membership.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "controller/scheduling.h"
#include "lib/kube/object_fields.h"

namespace nodedevice {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMaxDisputed = 16;

const Json& PoolsOf(const Observed& observed) {
  static const Json none = Json::array();
  return observed.pools ? *observed.pools : none;
}

Membership Refuse(std::string reason, std::string message) {
  Membership membership;
  membership.refusal = Refusal{std::move(reason), std::move(message)};
  return membership;
}

bool HasAll(const Labels& labels, const Labels& wanted) {
  return std::ranges::all_of(wanted, [&](const auto& pair) {
    const auto label = labels.find(pair.first);
    return label != labels.end() && label->second == pair.second;
  });
}

}  // namespace

NodeSelection::NodeSelection(const Observed& observed)
    : observed_(observed), pools_(PoolsOf(observed)) {
  if (!observed.pools) return;
  pool_of_node_.reserve(observed.nodes.size());
  for (const ObservedNode& node : observed.nodes) pool_of_node_.push_back(pools_.Of(node.labels));
}

Membership NodeSelection::Of(const DevicePluginConfig& config) const {
  const Json& selector = config.machine_config_pool_selector;
  if (!config.node_selector.empty()) return OfLabels(config.node_selector);
  if (selector.is_null()) {
    return Refuse(
        "NoSelector",
        observed_.pools
            ? "spec.machineConfigPoolSelector does not say which pools this is for, such as "
              "matchLabels {pools.operator.machineconfiguration.openshift.io/worker: \"\"}"
            : "spec.nodeSelector does not say which nodes this is for, such as "
              "{kubernetes.io/os: linux} for all");
  }
  if (LabelSelector(selector).is_empty()) {
    return Refuse(
        "EmptySelector",
        "spec.machineConfigPoolSelector is empty. As in a KubeletConfig, it selects no pool "
        "rather than all: name the labels of the pools");
  }
  if (!observed_.pools) {
    return Refuse("NoMachineConfigPools",
                  "this cluster has no MachineConfigPools (machineconfiguration.openshift.io): use "
                  "spec.nodeSelector in the place of spec.machineConfigPoolSelector");
  }
  return OfPools(selector);
}

std::size_t NodeSelection::CountIn(const std::string& pool) const {
  return static_cast<std::size_t>(std::ranges::count(pool_of_node_, pool, &NodePool::name));
}

Membership NodeSelection::OfPools(const Json& selector) const {
  Membership membership;
  const LabelSelector wanted(selector);
  std::map<std::string, NodeGroup> groups;
  std::set<std::string> selected;
  std::vector<std::string> others;
  for (const Json& pool : ListAt(*observed_.pools, "")) {
    const std::string name = TextAt(pool, "/metadata/name");
    if (wanted.Selects(LabelsOf(pool))) {
      groups[name].pool = name;
      selected.insert(name);
    } else {
      others.push_back(name);
    }
  }
  if (selected.empty()) {
    std::ranges::sort(others);
    membership.selects_nothing =
        others.empty()
            ? "there is no MachineConfigPool yet"
            : absl::StrCat("spec.machineConfigPoolSelector selects none of the MachineConfigPools ",
                           absl::StrJoin(others, ", "),
                           ". It asks for labels of the pools, not of the nodes: see oc get mcp "
                           "--show-labels");
    return membership;
  }
  for (std::size_t i = 0; i < pool_of_node_.size(); ++i) {
    const NodePool& pool = pool_of_node_[i];
    if (const auto group = groups.find(pool.name); group != groups.end()) {
      group->second.nodes.push_back(i);
    }
    const bool disputed = std::ranges::any_of(
        pool.rivals, [&](const std::string& name) { return selected.contains(name); });
    if (disputed && membership.disputed.size() < kMaxDisputed) {
      membership.disputed.push_back(absl::StrCat(
          "node ", observed_.nodes[i].name, " belongs to no pool, because the custom pools ",
          absl::StrJoin(pool.rivals, " and "), " select it: take a label off it"));
    }
  }
  for (auto& [name, group] : groups) membership.groups.push_back(std::move(group));
  absl::StatusOr<Json> affinity = AffinityForPools(pools_, selected);
  if (affinity.ok()) {
    membership.affinity = *std::move(affinity);
    if (membership.affinity.is_null()) {
      membership.selects_nothing =
          absl::StrCat("no node can be in ", absl::StrJoin(selected, ", "),
                       ": the node selectors of these MachineConfigPools are absent or empty, or "
                       "leave nothing beside those of other pools");
    }
  } else {
    membership.refusal = Refusal{"PoolsTooComplicated", std::string(affinity.status().message())};
  }
  return membership;
}

Membership NodeSelection::OfLabels(const Labels& labels) const {
  Membership membership;
  NodeGroup group;
  for (std::size_t i = 0; i < observed_.nodes.size(); ++i) {
    const Labels& has = observed_.nodes[i].labels;
    if (!HasAll(has, labels)) continue;
    const auto system = has.find("kubernetes.io/os");
    if (system != has.end() && system->second == "windows") continue;
    group.nodes.push_back(i);
  }
  membership.groups.push_back(std::move(group));
  membership.affinity = AffinityForLabels(labels);
  return membership;
}

}  // namespace nodedevice
