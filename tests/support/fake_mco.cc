#include "tests/support/fake_mco.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/support/mco/machine_configs.h"

namespace nodedevice::testing {
namespace {

using Json = nlohmann::json;

constexpr const char* kRoles[] = {"master", "worker"};

Json BuiltInPool(const std::string& role) {
  const std::string label = "pools.operator.machineconfiguration.openshift.io/" + role;
  return {{"apiVersion", mco::kGroupVersion},
          {"kind", "MachineConfigPool"},
          {"metadata",
           {{"name", role},
            {"labels", {{"machineconfiguration.openshift.io/mco-built-in", ""}, {label, ""}}}}},
          {"spec",
           {{"paused", false},
            {"machineConfigSelector", {{"matchLabels", {{mco::kRoleLabel, role}}}}},
            {"nodeSelector", {{"matchLabels", {{"node-role.kubernetes.io/" + role, ""}}}}}}}};
}

void MakeWhatIsMissing(const mco::Cluster& cluster, mco::Writes& writes) {
  for (const char* role : kRoles) {
    for (Json& config : mco::BuiltInMachineConfigs(role)) {
      if (mco::Find(cluster.machine_configs, mco::NameOf(config)) != nullptr) continue;
      writes.push_back(mco::Create(mco::kMachineConfigs, std::move(config)));
    }
    if (mco::Find(cluster.pools, role) != nullptr) continue;
    writes.push_back(mco::Create(mco::kPools, BuiltInPool(role)));
  }
}

}  // namespace

FakeMco::FakeMco(const Options& options)
    : kubelet_configs_(options.version, options.retries),
      render_(options.render_delay, options.retries),
      nodes_(options.status_delay),
      daemon_(options.update_time, options.updates_are_finished_by_others) {}

FakeMco::Decision FakeMco::Step(const mco::Cluster& cluster, const mco::Moment& moment) {
  Decision decision;
  MakeWhatIsMissing(cluster, decision.writes);
  kubelet_configs_.Step(cluster, moment, decision.writes);
  render_.Step(cluster, moment, decision.writes);
  nodes_.Step(cluster, moment, decision.writes);
  daemon_.Step(cluster, moment, decision.writes, decision.updates);
  for (const std::optional<TimePoint>& next :
       {kubelet_configs_.NextTime(), render_.NextTime(), nodes_.NextTime(), daemon_.NextTime()}) {
    decision.look_again_at = mco::Earlier(decision.look_again_at, next);
  }
  return decision;
}

void FakeMco::FinishUpdate(const std::string& node, const std::string& error) {
  daemon_.Finish(node, error);
}

void FakeMco::ForgetWhatWasSeen() {
  kubelet_configs_.Forget();
  render_.Forget();
  nodes_.Forget();
}

}  // namespace nodedevice::testing
