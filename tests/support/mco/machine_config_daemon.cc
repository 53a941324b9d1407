#include "tests/support/mco/machine_config_daemon.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "lib/kube/object_fields.h"
#include "tests/support/mco/node_controller.h"
#include "tests/support/mco/pool_status.h"

namespace nodedevice::testing::mco {
namespace {

using Json = nlohmann::json;

Write Annotate(const Json& node, Json annotations) {
  return Patch(kNodes, node, {{"metadata", {{"annotations", std::move(annotations)}}}});
}

Write Degrade(const Json& node, const std::string& reason) {
  return Annotate(node, {{kState, "Degraded"}, {kReason, reason}});
}

// A node joins with the configuration that its pool has.
void Join(const Json& node, const Cluster& cluster, Writes& writes) {
  const std::string pool = PoolOf(node, cluster.pools);
  if (pool.empty()) return;
  const std::string name = TextAt(*Find(cluster.pools, pool), "/spec/configuration/name");
  if (name.empty()) return;
  writes.push_back(Annotate(
      node, {{kCurrentConfig, name}, {kDesiredConfig, name}, {kState, "Done"}, {kReason, ""}}));
}

}  // namespace

void MachineConfigDaemon::Step(const Cluster& cluster, const Moment& moment, Writes& writes,
                               std::vector<NodeUpdate>& begun) {
  std::erase_if(runs_,
                [&](const auto& entry) { return Find(cluster.nodes, entry.first) == nullptr; });
  for (const Json& node : cluster.nodes) StepNode(node, cluster, moment.now, writes, begun);
}

void MachineConfigDaemon::StepNode(const Json& node, const Cluster& cluster, TimePoint now,
                                   Writes& writes, std::vector<NodeUpdate>& begun) {
  if (AnnotationOf(node, kCurrentConfig).empty()) return Join(node, cluster, writes);
  if (IsNodeDegraded(node)) {
    runs_.erase(NameOf(node));
    return;
  }
  const auto run = runs_.find(NameOf(node));
  if (run != runs_.end()) {
    if (!run->second.is_done || run->second.ends > now) return;
    const Run ended = run->second;
    runs_.erase(run);
    writes.push_back(
        ended.error.empty()
            ? Annotate(node, {{kCurrentConfig, ended.target}, {kState, "Done"}, {kReason, ""}})
            : Degrade(node, ended.error));
    return;
  }
  if (AnnotationOf(node, kCurrentConfig) != AnnotationOf(node, kDesiredConfig)) {
    return Begin(node, cluster, now, writes, begun);
  }
  if (AnnotationOf(node, kState) != "Done") {
    writes.push_back(Annotate(node, {{kState, "Done"}, {kReason, ""}}));
  }
}

void MachineConfigDaemon::Begin(const Json& node, const Cluster& cluster, TimePoint now,
                                Writes& writes, std::vector<NodeUpdate>& begun) {
  const std::string target = AnnotationOf(node, kDesiredConfig);
  const Json* config = Find(cluster.machine_configs, target);
  if (config == nullptr) {
    writes.push_back(
        Degrade(node, absl::StrCat("machineconfig.machineconfiguration.openshift.io \"", target,
                                   "\" not found")));
    return;
  }
  runs_[NameOf(node)] = {.target = target, .ends = now + update_time_, .is_done = !waits_};
  writes.push_back(Annotate(node, {{kState, "Working"}, {kReason, ""}}));
  begun.push_back({.node = NameOf(node), .machine_config = *config});
}

void MachineConfigDaemon::Finish(const std::string& node, const std::string& error) {
  const auto run = runs_.find(node);
  if (run == runs_.end()) return;
  run->second.is_done = true;
  run->second.error = error;
}

std::optional<TimePoint> MachineConfigDaemon::NextTime() const {
  std::optional<TimePoint> next;
  for (const auto& [node, run] : runs_) {
    if (run.is_done) next = Earlier(next, run.ends);
  }
  return next;
}

}  // namespace nodedevice::testing::mco
