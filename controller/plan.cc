#include "controller/plan.h"

#include <algorithm>
#include <map>
#include <set>
#include <unordered_set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "controller/agent_ports.h"
#include "controller/conditions.h"
#include "controller/conflicts.h"
#include "controller/daemon_set.h"
#include "controller/drift.h"
#include "controller/membership.h"
#include "controller/pools/pool_setup.h"
#include "controller/pools/pools_plan.h"
#include "controller/pools/pools_status.h"
#include "controller/rollup.h"
#include "controller/startup_taint.h"
#include "lib/api/device_plugin_config.h"
#include "lib/kube/object_fields.h"

namespace nodedevice {
namespace {

using Json = nlohmann::json;

// One DevicePluginConfig and what was found out about it.
struct Candidate {
  const Json* object = nullptr;
  std::string uid;
  WallSeconds created;
  DevicePluginConfig config;
  Membership membership;
  std::optional<Refusal> refusal;
  bool in_conflict = false;
  const Json* daemon_set = nullptr;

  // Whether agents run for it, or are to run.
  bool may_run() const { return !in_conflict && (!refusal || daemon_set != nullptr); }
};

class Planner {
 public:
  Planner(const Observed& observed, const Settings& settings)
      : observed_(observed), settings_(settings), selection_(observed), agents_(observed) {}

  Plan Make() {
    ReadDaemonSets();
    ReadConfigs();
    RefuseConflicts();
    const std::map<std::string, std::uint16_t> ports = Ports();
    PlanPoolsOfAll();
    PlanStartupTaintsOfAll();
    for (const Candidate& candidate : candidates_) {
      PlanDaemonSet(candidate, ports.at(candidate.config.name));
      PlanStatus(candidate);
    }
    for (const auto& [config, daemon_set] : daemon_sets_) {
      if (!known_.contains(config)) RemoveDaemonSet(*daemon_set);
    }
    RemoveLeftStates();
    for (const Candidate& candidate : leaving_) PlanStatusOfLeaving(candidate);
    if (look_again_) plan_.look_again_after = std::max(*look_again_ - observed_.now, kSoon);
    return std::move(plan_);
  }

 private:
  static constexpr std::chrono::seconds kSoon{1};

  void ReadDaemonSets() {
    for (const Json& daemon_set : observed_.daemon_sets) {
      const std::string config = ConfigOf(daemon_set);
      if (!daemon_sets_.emplace(config, &daemon_set).second) RemoveDaemonSet(daemon_set);
    }
  }

  void ReadConfigs() {
    for (const Json& object : observed_.configs) {
      const bool leaves = !TextAt(object, "/metadata/deletionTimestamp").empty();
      // Its objects go with it, unless that is to be done in order.
      if (leaves && !HasFinalizer(object, kTeardownFinalizer)) continue;
      Parsed<DevicePluginConfig> parsed = ParseDevicePluginConfig(object);
      Candidate candidate;
      candidate.object = &object;
      candidate.uid = TextAt(object, "/metadata/uid");
      candidate.created = ReadApiTime(TextAt(object, "/metadata/creationTimestamp"));
      candidate.config = std::move(parsed.value);
      // The schema lets no other name into the API.
      if (candidate.config.name.empty()) continue;
      candidate.membership = selection_.Of(candidate.config);
      candidate.refusal = candidate.membership.refusal;
      if (!parsed.ok()) candidate.refusal = Refusal{"InvalidSpec", ToString(parsed.errors)};
      if (leaves) {
        leaving_.push_back(std::move(candidate));
        continue;
      }
      const auto daemon_set = daemon_sets_.find(candidate.config.name);
      if (daemon_set != daemon_sets_.end()) candidate.daemon_set = daemon_set->second;
      known_.insert(candidate.config.name);
      candidates_.push_back(std::move(candidate));
    }
    std::ranges::sort(candidates_, {}, [](const Candidate& candidate) {
      return std::tie(candidate.created, candidate.config.name);
    });
  }

  Claim ClaimOf(const Candidate& candidate) const {
    Claim claim{.config = candidate.config.name,
                .created = candidate.created,
                .resources = {},
                .nodes = {},
                .can_be_refused = !candidate.refusal};
    std::set<std::string> resources;
    for (const PluginSpec& plugin : candidate.config.plugins) {
      resources.insert(plugin.resource_name);
    }
    std::set<std::size_t> nodes;
    for (const NodeGroup& group : candidate.membership.groups) {
      nodes.insert(group.nodes.begin(), group.nodes.end());
    }
    if (candidate.refusal) {
      // What it says cannot be relied on; what its agents do still counts.
      const AgentIndex::ByNode& agents = agents_.Of(candidate.config.name);
      for (std::size_t i = 0; i < observed_.nodes.size(); ++i) {
        const auto agent = agents.find(observed_.nodes[i].name);
        if (agent == agents.end() || agent->second.state == nullptr) continue;
        nodes.insert(i);
        for (const ResourceCount& count : agent->second.state->resources) {
          resources.insert(count.name);
        }
      }
    }
    claim.resources.assign(resources.begin(), resources.end());
    claim.nodes.assign(nodes.begin(), nodes.end());
    return claim;
  }

  void RefuseConflicts() {
    std::vector<Claim> claims;
    for (const Candidate& candidate : candidates_) {
      if (candidate.may_run()) claims.push_back(ClaimOf(candidate));
    }
    const std::map<std::string, Refusal> refused =
        FindConflicts(std::move(claims), observed_.nodes);
    for (Candidate& candidate : candidates_) {
      const auto found = refused.find(candidate.config.name);
      if (found == refused.end()) continue;
      candidate.refusal = found->second;
      candidate.in_conflict = true;
    }
  }

  std::map<std::string, std::uint16_t> Ports() const {
    std::vector<std::string> names;
    for (const Candidate& candidate : candidates_) names.push_back(candidate.config.name);
    return AgentPorts(names, observed_.daemon_sets);
  }

  void PlanPoolsOfAll() {
    std::vector<ManagedConfig> configs;
    const auto add = [&](const Candidate& candidate, bool is_leaving) {
      configs.push_back({.object = *candidate.object,
                         .config = candidate.config,
                         .uid = candidate.uid,
                         .membership = candidate.membership,
                         .is_refused = candidate.refusal.has_value(),
                         .is_leaving = is_leaving});
    };
    for (const Candidate& candidate : candidates_) add(candidate, false);
    for (const Candidate& candidate : leaving_) add(candidate, true);
    PoolsPlan pools = PlanPools(observed_, selection_, configs);
    plan_.remove = std::move(pools.remove);
    plan_.apply = std::move(pools.apply);
    plan_.events = std::move(pools.events);
    pools_ = std::move(pools.reports);
  }

  void PlanStartupTaintsOfAll() {
    std::vector<StartupAsker> askers;
    for (const Candidate& candidate : candidates_) {
      if (candidate.refusal || !candidate.config.startup_taint) continue;
      askers.push_back({candidate.config.name, candidate.uid, candidate.membership});
    }
    StartupTaints taints = PlanStartupTaints(observed_, agents_, askers);
    for (const NodePatch& patch : taints.patches) {
      const std::string node = ObjectName("Node", "", patch.node);
      const std::string problem = observed_.WriteProblemOf(node);
      if (problem.empty() || !taint_problem_.empty()) continue;
      taint_problem_ = absl::StrCat(node, ": ", problem);
    }
    plan_.node_patches = std::move(taints.patches);
    LookAgain(taints.look_again);
  }

  void LookAgain(std::optional<WallSeconds> at) {
    if (at && (!look_again_ || *at < *look_again_)) look_again_ = at;
  }

  void PlanDaemonSet(const Candidate& candidate, std::uint16_t port) {
    const Json* has = candidate.daemon_set;
    const bool has_nowhere = !candidate.refusal && candidate.membership.affinity.is_null();
    if (candidate.in_conflict || has_nowhere) {
      if (has != nullptr) RemoveDaemonSet(*has);
      return;
    }
    if (candidate.refusal) return;
    Json wanted = RenderDaemonSet({.config = candidate.config,
                                   .config_uid = candidate.uid,
                                   .affinity = candidate.membership.affinity,
                                   .port = port,
                                   .has_scc = observed_.has_scc},
                                  settings_);
    if (has != nullptr && !NeedsApply(wanted, *has)) return;
    TellOfStrangers(candidate, wanted);
    plan_.apply.push_back({.object = std::move(wanted)});
  }

  // Says so when the object has to be applied for what somebody else did.
  void TellOfStrangers(const Candidate& candidate, const Json& wanted) {
    constexpr char kRendered[] = "/metadata/annotations/nodedevices.io~1rendered";
    const std::string progress =
        TextAt(ConditionOf(ValueAt(*candidate.object, "/status"), "Progressing"), "/reason");
    const bool was_there = progress == "AsDesired" || progress == "RollingOut" ||
                           progress == "NodesOnTheWay" ||
                           progress == ToString(PoolState::kPoolPaused);
    const bool deleted = candidate.daemon_set == nullptr && was_there;
    const bool changed = candidate.daemon_set != nullptr &&
                         TextAt(*candidate.daemon_set, kRendered) == TextAt(wanted, kRendered);
    // That it is gone is told with the status that says so: the next plan knows no more of it.
    if (deleted) {
      Tell(candidate, StatusName(candidate.config.name), PutBack(ObjectName(wanted), true));
    }
    if (changed) Tell(candidate, ObjectName(wanted), PutBack(ObjectName(wanted), false));
  }

  void Tell(const Candidate& candidate, const std::string& object, ApiEvent event) {
    plan_.events.push_back({candidate.config.name, candidate.uid, object, std::move(event)});
  }

  void RemoveDaemonSet(const Json& daemon_set) {
    // It is on its way already.
    if (!TextAt(daemon_set, "/metadata/deletionTimestamp").empty()) return;
    plan_.remove.push_back({.kind = "DaemonSet",
                            .name_space = TextAt(daemon_set, "/metadata/namespace"),
                            .name = TextAt(daemon_set, "/metadata/name"),
                            .uid = TextAt(daemon_set, "/metadata/uid")});
  }

  void PlanStatus(const Candidate& candidate) {
    const std::string& name = candidate.config.name;
    const std::string daemon_set = absl::StrCat(settings_.name_space, "/", DaemonSetName(name));
    Rollup rollup =
        RollUp({.observed = observed_,
                .agents = agents_,
                .object = *candidate.object,
                .config = candidate.config,
                .membership = candidate.membership,
                .refusal = candidate.refusal,
                .may_run = candidate.may_run(),
                .daemon_set = candidate.daemon_set,
                .daemon_set_name = daemon_set,
                .write_problem = observed_.WriteProblemOf(absl::StrCat("DaemonSet ", daemon_set)),
                .pools = pools_[name],
                .taint_problem = candidate.config.startup_taint ? taint_problem_ : ""});
    LookAgain(rollup.look_again);
    WriteStatus(candidate, std::move(rollup.status));
  }

  void PlanStatusOfLeaving(const Candidate& candidate) {
    WriteStatus(candidate, StatusWhileLeaving(*candidate.object, pools_[candidate.config.name],
                                              observed_.now));
  }

  void WriteStatus(const Candidate& candidate, Json status) {
    const Json& before = ValueAt(*candidate.object, "/status");
    if (status == before || (status.empty() && before.empty())) return;
    for (ApiEvent& event : EventsBetween(before, status)) {
      Tell(candidate, StatusName(candidate.config.name), std::move(event));
    }
    plan_.statuses.push_back({{"apiVersion", kApiVersion},
                              {"kind", "DevicePluginConfig"},
                              {"metadata", {{"name", candidate.config.name}}},
                              {"status", std::move(status)}});
  }

  // States of nodes that left. Those of a configuration that is gone go with it.
  void RemoveLeftStates() {
    std::unordered_set<std::string> running;
    for (const ObservedPod& pod : observed_.pods) running.insert(pod.name);
    for (const Candidate& candidate : candidates_) {
      if (candidate.refusal) continue;
      std::unordered_set<std::string> members;
      for (const NodeGroup& group : candidate.membership.groups) {
        for (const std::size_t index : group.nodes) members.insert(observed_.nodes[index].name);
      }
      for (const auto& [node, agent] : agents_.Of(candidate.config.name)) {
        const ObservedState* state = agent.state;
        // An agent without a pod was started by hand, and may live.
        if (state == nullptr || members.contains(node) || state->pod.empty()) continue;
        if (running.contains(state->pod)) continue;
        left_.insert(state);
      }
    }
    for (const ObservedState& state : observed_.states) {
      if (!left_.contains(&state)) continue;
      plan_.remove.push_back(
          {.kind = "NodeDeviceState", .name_space = "", .name = state.name, .uid = state.uid});
    }
  }

  const Observed& observed_;
  const Settings& settings_;
  const NodeSelection selection_;
  const AgentIndex agents_;
  std::map<std::string, const Json*> daemon_sets_;  // by configuration
  std::vector<Candidate> candidates_;
  std::vector<Candidate> leaving_;            // being deleted, and to be torn down in order
  std::set<std::string> known_;               // configurations that stay
  std::map<std::string, PoolsReport> pools_;  // by configuration
  std::string taint_problem_;
  std::unordered_set<const ObservedState*> left_;
  std::optional<WallSeconds> look_again_;
  Plan plan_;
};

}  // namespace

Plan MakePlan(const Observed& observed, const Settings& settings) {
  return Planner(observed, settings).Make();
}

}  // namespace nodedevice
