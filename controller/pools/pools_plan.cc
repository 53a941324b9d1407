#include "controller/pools/pools_plan.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "controller/conditions.h"
#include "controller/pools/machine_config.h"
#include "controller/pools/obstacles.h"
#include "controller/pools/pool_objects.h"
#include "controller/pools/pool_setup.h"
#include "controller/pools/rollout.h"
#include "lib/kube/object_fields.h"
#include "lib/mco/kubelet_config.h"
#include "lib/mco/machine_config_pool.h"

namespace nodedevice {
namespace {

using Json = nlohmann::json;

bool Manages(const ManagedConfig& managed) {
  return managed.config.device_manager.mode == DeviceManagerSpec::Mode::kManage &&
         !managed.is_refused && !managed.is_leaving;
}

// Whoever deletes it does not want to wait.
bool IsOrphaned(const ManagedConfig& managed) {
  return managed.is_leaving &&
         (TextAt(managed.object, "/metadata/annotations/nodedevices.io~1orphan") == "true" ||
          HasFinalizer(managed.object, "orphan"));
}

class PoolsPlanner {
 public:
  PoolsPlanner(const Observed& observed, const NodeSelection& selection,
               const std::vector<ManagedConfig>& configs)
      : observed_(observed),
        selection_(selection),
        configs_(configs),
        // With a part of its API gone, the machine-config-operator is not there.
        has_operator_(observed.pools && observed.kubelet_configs && observed.machine_configs) {}

  PoolsPlan Make() {
    SetUp();
    if (has_operator_) {
      for (const ManagedConfig& managed : configs_) {
        if (!IsOrphaned(managed)) RemoveUnwanted(managed);
      }
      TakeLabelsOff();
      for (const ManagedConfig& managed : configs_) TellOfRollback(managed);
    }
    for (const ManagedConfig& managed : configs_) ReleaseFinalizer(managed);
    return std::move(plan_);
  }

 private:
  PoolsReport& ReportOf(const ManagedConfig& managed) { return plan_.reports[managed.config.name]; }

  void SetUp() {
    std::optional<PoolSetup> setup;
    if (has_operator_) setup.emplace(observed_, selection_, plan_);
    for (const ManagedConfig& managed : configs_) {
      const bool wants = managed.config.device_manager.mode == DeviceManagerSpec::Mode::kManage &&
                         !managed.is_leaving;
      if (!wants) continue;
      if (std::optional<PoolReport> obstacle = ClusterObstacle(observed_, managed.config)) {
        ReportOf(managed).pools.push_back(*std::move(obstacle));
        continue;
      }
      if (!Manages(managed)) continue;
      for (const NodeGroup& group : managed.membership.groups) {
        const Json& pool = Named(*observed_.pools, group.pool);
        Want(managed, pool);
        PoolsReport& report = ReportOf(managed);
        report.pools.push_back(setup->Step(managed, pool, report.look_again));
      }
    }
  }

  void Want(const ManagedConfig& managed, const Json& pool) {
    const std::string& config = managed.config.name;
    wanted_.insert(KubeletConfigName(config, NameOf(pool)));
    // It is part of the setup, too, to remove one that is not needed any more.
    wanted_.insert(MachineConfigName(config, NameOf(pool)));
    if (!HasBuiltInLabel(pool)) {
      labelled_.insert(NameOf(pool));
      needs_label_.insert(config);
    }
  }

  void RemoveUnwanted(const ManagedConfig& managed) {
    const std::pair<const char*, const Json&> kinds[] = {
        {"KubeletConfig", *observed_.kubelet_configs},
        {"MachineConfig", *observed_.machine_configs}};
    for (const auto& [kind, list] : kinds) {
      for (const Json& object : list) {
        if (!IsOurs(object, managed.config.name, managed.uid)) continue;
        if (wanted_.contains(NameOf(object))) continue;
        has_objects_.insert(managed.config.name);
        RemoveOne(managed, kind, object);
      }
    }
  }

  void RemoveOne(const ManagedConfig& managed, const char* kind, const Json& object) {
    const std::string name = absl::StrCat(kind, " ", NameOf(object));
    const std::string pool = TextAt(object, "/metadata/labels/nodedevices.io~1pool");
    if (managed.is_refused && !managed.is_leaving) {
      ReportOf(managed).pools.push_back(
          {pool, PoolState::kRefused,
           absl::StrCat(name, " stays as it is while this DevicePluginConfig is refused")});
      return;
    }
    if (TextAt(object, "/metadata/deletionTimestamp").empty()) {
      plan_.remove.push_back({kind, "", NameOf(object), TextAt(object, "/metadata/uid")});
    }
    ReportOf(managed).pools.push_back(
        {pool, PoolState::kTearingDown, absl::StrCat(name, " is being removed")});
  }

  // Of pools that nobody manages any more.
  void TakeLabelsOff() {
    for (const Json& pool : *observed_.pools) {
      if (!HasOwnPoolLabel(pool) || labelled_.contains(NameOf(pool))) continue;
      if (std::ranges::any_of(*observed_.kubelet_configs, [&](const Json& kubelet_config) {
            return SelectsByOurLabel(kubelet_config) && AppliesTo(kubelet_config, pool);
          })) {
        continue;
      }
      const std::string waits = absl::StrCat("the label ", kPoolLabel, " is taken off");
      if (!HasRolledBack(pool, *observed_.machine_configs)) {
        held_.push_back({NameOf(pool), PoolState::kTearingDown,
                         absl::StrCat(waits, " when the pool has rolled back: ", NodesOf(pool),
                                      WhyItTakesLong(pool))});
        continue;
      }
      Apply apply{.object = PoolLabelPatch(pool, false), .force = false};
      const std::string problem = observed_.WriteProblemOf(ObjectName(apply.object));
      held_.push_back(problem.empty()
                          ? PoolReport{NameOf(pool), PoolState::kTearingDown, waits}
                          : PoolReport{NameOf(pool), PoolState::kWriteRefused,
                                       absl::StrCat("the API refuses that ", waits,
                                                    ", and is asked again: ", problem)});
      plan_.apply.push_back(std::move(apply));
    }
  }

  static bool SelectsByOurLabel(const Json& kubelet_config) {
    return !ValueAt(kubelet_config,
                    "/spec/machineConfigPoolSelector/matchLabels/nodedevices.io~1pool")
                .is_null();
  }

  static std::string WhyItTakesLong(const Json& pool) {
    std::string text;
    if (IsPaused(pool)) {
      text = ". The pool is paused: set its spec.paused to false";
    } else if (!DegradationOf(pool).empty()) {
      text = absl::StrCat(". The pool is degraded: ", DegradationOf(pool).front());
    }
    if (!text.empty()) {
      absl::StrAppend(&text, ", or do not wait for it by the annotation ", kOrphanAnnotation,
                      "=true of this DevicePluginConfig");
    }
    return text;
  }

  // A pool that has a label of its own needs nothing more, and is on its way.
  void TellOfRollback(const ManagedConfig& managed) {
    const Json& before = ConditionOf(ValueAt(managed.object, "/status"), "PoolsConfigured");
    if (TextAt(before, "/reason") != ToString(PoolState::kTearingDown)) return;
    if (managed.config.device_manager.mode == DeviceManagerSpec::Mode::kManage) return;
    if (has_objects_.contains(managed.config.name)) return;
    for (const NodeGroup& group : managed.membership.groups) {
      const Json& pool = Named(*observed_.pools, group.pool);
      if (pool.is_null() || HasOwnPoolLabel(pool)) continue;
      if (HasRolledBack(pool, *observed_.machine_configs)) continue;
      ReportOf(managed).pools.push_back(
          {group.pool, PoolState::kTearingDown,
           absl::StrCat("the pool rolls back: ", NodesOf(pool),
                        IsPaused(pool) ? ". It is paused: set its spec.paused to false" : "")});
    }
  }

  void ReleaseFinalizer(const ManagedConfig& managed) {
    if (!HasFinalizer(managed.object, kTeardownFinalizer)) return;
    if (!IsOrphaned(managed)) {
      if (managed.is_refused && !managed.is_leaving) return;
      if (needs_label_.contains(managed.config.name)) return;
      if (!held_.empty()) {
        PoolsReport& report = ReportOf(managed);
        report.pools.insert(report.pools.end(), held_.begin(), held_.end());
        return;
      }
      if (has_objects_.contains(managed.config.name)) return;
    }
    plan_.apply.push_back({.object = FinalizerPatch(managed.object, false),
                           .field_manager = kTeardownManager,
                           .force = false});
  }

  const Observed& observed_;
  const NodeSelection& selection_;
  const std::vector<ManagedConfig>& configs_;
  const bool has_operator_;
  std::set<std::string> wanted_;       // names of KubeletConfigs and MachineConfigs
  std::set<std::string> labelled_;     // pools that need our label
  std::set<std::string> needs_label_;  // configurations that have such a pool
  std::set<std::string> has_objects_;  // configurations with something to be removed
  std::vector<PoolReport> held_;       // pools whose label is still to be taken off
  PoolsPlan plan_;
};

}  // namespace

PoolsPlan PlanPools(const Observed& observed, const NodeSelection& selection,
                    const std::vector<ManagedConfig>& configs) {
  return PoolsPlanner(observed, selection, configs).Make();
}

}  // namespace nodedevice
