#include "controller/rollup.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "controller/conditions.h"
#include "controller/node_standing.h"
#include "controller/platform.h"
#include "controller/pools/pools_status.h"
#include "controller/preparation.h"
#include "controller/tally.h"
#include "controller/tolerations.h"
#include "lib/base/utf8.h"
#include "lib/kube/object_fields.h"
#include "lib/mco/machine_config_pool.h"

namespace nodedevice {
namespace {

using Json = nlohmann::json;
using Kind = NodeStanding::Kind;

constexpr std::size_t kMaxText = 1024;      // of one node
constexpr std::size_t kMaxResources = 256;  // 64 entries; after an edit those before it, too

struct Sums {
  std::uint64_t nodes = 0;
  std::uint64_t ready = 0;
  std::uint64_t verified = 0;
  std::uint64_t up_to_date = 0;
  Tally failing;
  Tally on_the_way;
  Tally refusing;
  Tally down;  // the Device Manager
  std::set<std::string> failing_reasons;
  std::set<std::string> troubled_pools;  // with a node that is not ready
  std::map<std::string, ResourceCount> resources;
  NodePreparations preparations;
  std::optional<WallSeconds> fails_at;
};

std::optional<WallSeconds> Earlier(std::optional<WallSeconds> a, std::optional<WallSeconds> b) {
  if (!a || !b) return a ? a : b;
  return std::min(*a, *b);
}

StandingContext ContextOf(const RollupInput& input) {
  const Json& accepted = ConditionOf(ValueAt(input.object, "/status"), "ConfigAccepted");
  StandingContext context{
      .config_uid = TextAt(input.object, "/metadata/uid"),
      .generation = input.config.generation,
      .tolerations = AgentTolerations(input.config.tolerations),
      .daemon_set = input.daemon_set_name,
      .deployed = input.daemon_set == nullptr
                      ? input.observed.now
                      : ReadApiTime(TextAt(*input.daemon_set, "/metadata/creationTimestamp")),
      .distributing_since = std::nullopt,
      .now = input.observed.now};
  if (TextAt(accepted, "/status") == "Unknown" &&
      ValueAt(accepted, "/observedGeneration") == input.config.generation) {
    context.distributing_since = ReadApiTime(TextAt(accepted, "/lastTransitionTime"));
  }
  return context;
}

void AddResources(const ObservedState& state, Sums& sums) {
  for (const ResourceCount& count : state.resources) {
    auto at = sums.resources.find(count.name);
    if (at == sums.resources.end()) {
      if (sums.resources.size() == kMaxResources) continue;
      at = sums.resources.emplace(count.name, ResourceCount{.name = count.name}).first;
    }
    at->second.announced += count.announced;
    at->second.healthy += count.healthy;
    at->second.allocated += count.allocated;
  }
}

void AddNode(const ObservedNode& node, const NodeStanding& standing, const ObservedState* state,
             const std::string& pool, Sums& sums) {
  ++sums.nodes;
  if (standing.verified) ++sums.verified;
  if (standing.up_to_date) ++sums.up_to_date;
  sums.preparations.Add(node.name, standing.up_to_date ? state : nullptr);
  if (standing.alive) {
    AddResources(*state, sums);
    if (!state->config_error.empty()) {
      sums.refusing.Add(absl::StrCat(node.name, ": ", state->config_error));
    }
    if (!state->device_manager_up && state->ready) {
      sums.down.Add(absl::StrCat(node.name, ": ", state->device_manager_problem));
    }
  }
  if (standing.kind == Kind::kReady) {
    ++sums.ready;
    return;
  }
  sums.troubled_pools.insert(pool);
  const std::string text = absl::StrCat(node.name, ": ", standing.message);
  if (standing.kind == Kind::kFailing) {
    sums.failing.Add(text);
    sums.failing_reasons.insert(standing.reason);
    return;
  }
  sums.on_the_way.Add(text);
  if (standing.fails_at && (!sums.fails_at || *standing.fails_at < *sums.fails_at)) {
    sums.fails_at = standing.fails_at;
  }
}

bool HasMachineConfigPools(const RollupInput& input) {
  return input.observed.pools && input.observed.machine_configs &&
         !input.membership.groups.empty() && !input.membership.groups.front().pool.empty();
}

NodePreparations::Context PreparationContext(const RollupInput& input) {
  return {.config = input.config,
          .status = ValueAt(input.object, "/status"),
          .pools = input.pools,
          .has_pools = HasMachineConfigPools(input),
          .now = input.observed.now};
}

// The pool's entry of the status; adds its nodes to the sums.
Json PoolOf(const NodeGroup& group, const RollupInput& input, const StandingContext& context,
            Sums& sums) {
  static const AgentIndex::Agent nobody;
  const AgentIndex::ByNode& agents = input.agents.Of(input.config.name);
  const std::uint64_t nodes_before = sums.nodes;
  const std::uint64_t ready_before = sums.ready;
  const std::uint64_t verified_before = sums.verified;
  Json failing = Json::array();
  for (const std::size_t index : group.nodes) {
    const ObservedNode& node = input.observed.nodes[index];
    if (!input.may_run) {
      ++sums.nodes;
      continue;
    }
    const auto found = agents.find(node.name);
    const AgentIndex::Agent& agent = found == agents.end() ? nobody : found->second;
    const NodeStanding standing = StandingOf(node, agent.state, agent.pods, context);
    AddNode(node, standing, agent.state, group.pool, sums);
    if (standing.kind == Kind::kFailing && failing.size() < kMaxFailing) {
      failing.push_back({{"node", node.name},
                         {"reason", standing.reason},
                         {"message", OneLine(standing.message, kMaxText)}});
    }
  }
  Json pool = {{"name", group.pool},
               {"nodes", sums.nodes - nodes_before},
               {"verified", sums.verified - verified_before},
               {"ready", sums.ready - ready_before},
               {"failing", std::move(failing)}};
  for (const PoolReport& report : input.pools.pools) {
    if (report.pool != group.pool || group.pool.empty()) continue;
    pool["rollout"] = RolloutForStatus(report, input.config.generation);
  }
  if (HasMachineConfigPools(input) && !group.pool.empty()) {
    std::string text = MachineConfigForStatus(input.config, group.pool);
    if (!text.empty()) pool["machineConfig"] = std::move(text);
  }
  return pool;
}

Condition ConfigAccepted(const RollupInput& input, const Sums& sums) {
  Condition condition{.type = "ConfigAccepted"};
  if (input.refusal) {
    condition.status = Truth::kFalse;
    condition.reason = input.refusal->reason;
    condition.message = input.refusal->message;
  } else if (sums.refusing.count > 0) {
    condition.status = Truth::kFalse;
    condition.reason = "RefusedOnNodes";
    condition.message =
        absl::StrCat(PartOf(sums.refusing.count, sums.nodes),
                     " refuse it and keep what they had: ", sums.refusing.ToString());
  } else if (sums.up_to_date < sums.nodes) {
    condition.status = Truth::kUnknown;
    condition.reason = "Distributing";
    condition.message = absl::StrCat("generation ", input.config.generation, " is in force on ",
                                     PartOf(sums.up_to_date, sums.nodes));
  } else {
    condition.status = Truth::kTrue;
    condition.reason = "Accepted";
    condition.message = sums.nodes == 0
                            ? "there is no node to take it yet"
                            : absl::StrCat("generation ", input.config.generation,
                                           " is in force on ", PartOf(sums.nodes, sums.nodes));
  }
  return condition;
}

Condition DeviceManagerVerified(const RollupInput& input, const Sums& sums) {
  Condition condition{.type = "DeviceManagerVerified"};
  if (sums.nodes == 0) {
    condition.reason = "NoNodes";
    condition.message = "there is no node to look at";
  } else if (sums.down.count > 0) {
    condition.status = Truth::kFalse;
    condition.reason =
        input.observed.gate_is_disabled == true ? "DisabledByFeatureGate" : "DeviceManagerDown";
    const std::string platform = ExplainPlatform(input.observed);
    condition.message =
        absl::StrCat("the Device Manager is down on ", PartOf(sums.down.count, sums.nodes), ": ",
                     sums.down.ToString(), platform.empty() ? "" : ". ", platform);
  } else if (sums.verified < sums.nodes) {
    condition.reason = "NotReported";
    condition.message = absl::StrCat("seen at work on ", PartOf(sums.verified, sums.nodes),
                                     ", no word of the others");
  } else {
    condition.status = Truth::kTrue;
    condition.reason = "Verified";
    condition.message = absl::StrCat("seen at work on ", PartOf(sums.nodes, sums.nodes));
  }
  return condition;
}

Condition Available(const RollupInput& input, const Sums& sums) {
  Condition condition{.type = "Available"};
  condition.message = absl::StrCat("everything works on ", PartOf(sums.ready, sums.nodes));
  if (!input.may_run) {
    condition.status = Truth::kFalse;
    condition.reason = "Refused";
    condition.message = "it is refused: see ConfigAccepted";
  } else if (sums.nodes == 0 && input.refusal) {
    condition.reason = "Refused";
    condition.message = "it is refused, what ran before goes on: see ConfigAccepted";
  } else if (sums.nodes == 0) {
    condition.reason = "NoNodes";
    condition.message = "no node is selected yet";
  } else if (sums.ready == 0) {
    condition.status = Truth::kFalse;
    condition.reason = "NoNodeReady";
  } else {
    condition.status = Truth::kTrue;
    condition.reason = sums.ready < sums.nodes ? "SomeNodesReady" : "AllNodesReady";
  }
  return condition;
}

std::int64_t NumberAt(const Json& object, const char* pointer) {
  const Json& value = ValueAt(object, pointer);
  return value.is_number_integer() ? value.get<std::int64_t>() : 0;
}

Condition AgentsProgressing(const RollupInput& input, const Sums& sums) {
  Condition condition{.type = "Progressing", .status = Truth::kTrue};
  const bool wanted = !input.refusal && !input.membership.affinity.is_null();
  if (!input.may_run || (input.daemon_set == nullptr && !wanted)) {
    condition.status = Truth::kFalse;
    condition.reason = "NothingToDo";
    condition.message = "nothing runs, and nothing is to run";
    return condition;
  }
  if (input.daemon_set == nullptr) {
    condition.reason = "Deploying";
    condition.message = absl::StrCat("DaemonSet ", input.daemon_set_name, " is being made");
    return condition;
  }
  const Json& set = *input.daemon_set;
  const std::int64_t desired = NumberAt(set, "/status/desiredNumberScheduled");
  const std::int64_t updated = NumberAt(set, "/status/updatedNumberScheduled");
  const bool unseen =
      NumberAt(set, "/status/observedGeneration") < NumberAt(set, "/metadata/generation");
  if (unseen || updated < desired) {
    condition.reason = "RollingOut";
    condition.message =
        unseen ? absl::StrCat("DaemonSet ", input.daemon_set_name, " has just been changed")
               : absl::StrCat(updated, " of ", desired, " agents are of the newest DaemonSet");
  } else if (sums.on_the_way.count > 0) {
    condition.reason = "NodesOnTheWay";
    condition.message = absl::StrCat(PartOf(sums.on_the_way.count, sums.nodes),
                                     " will be ready soon: ", sums.on_the_way.ToString());
  } else {
    condition.status = Truth::kFalse;
    condition.reason = "AsDesired";
    condition.message = "nothing is under way";
  }
  return condition;
}

// The agents of the newest DaemonSet come first, then what their nodes get, then the nodes.
Condition Progressing(const RollupInput& input, const Sums& sums) {
  Condition condition = AgentsProgressing(input, sums);
  if (condition.reason == "Deploying" || condition.reason == "RollingOut") return condition;
  for (const PoolReport& report : input.pools.pools) {
    const bool under_way = IsUnderWay(report.state);
    const bool paused = report.state == PoolState::kPoolPaused && condition.status == Truth::kFalse;
    if (!under_way && !paused) continue;
    condition.status = under_way ? Truth::kTrue : Truth::kFalse;
    condition.reason = under_way ? "PoolsUnderWay" : ToString(report.state);
    condition.message = TextOf(report);
    if (under_way) break;
  }
  return condition;
}

// Why the nodes of a pool may stay as they are, on OpenShift.
std::vector<std::string> PoolTroubles(const RollupInput& input, const Sums& sums) {
  std::vector<std::string> troubles;
  if (!input.observed.pools) return troubles;
  for (const std::string& name : sums.troubled_pools) {
    const Json& pool = Named(*input.observed.pools, name);
    for (const std::string& text : DegradationOf(pool)) {
      troubles.push_back(absl::StrCat("MachineConfigPool ", name, " is degraded: ", text));
    }
    if (IsPaused(pool)) {
      troubles.push_back(absl::StrCat("MachineConfigPool ", name,
                                      " is paused, so its nodes get no new configuration"));
    }
  }
  return troubles;
}

Condition Degraded(const RollupInput& input, const Sums& sums) {
  Condition condition{.type = "Degraded", .status = Truth::kTrue};
  std::vector<std::string> texts;
  const auto add = [&](const std::string& reason, const std::string& text) {
    if (condition.reason.empty()) condition.reason = reason;
    texts.push_back(text);
  };
  if (input.refusal) add(input.refusal->reason, input.refusal->message);
  const std::string& nothing = input.membership.selects_nothing;
  if (!input.refusal && !nothing.empty()) add("SelectsNothing", nothing);
  if (!input.write_problem.empty()) {
    add("DaemonSetNotWritten",
        absl::StrCat("DaemonSet ", input.daemon_set_name,
                     " cannot be written, will try again: ", input.write_problem));
  }
  if (sums.failing.count > 0) {
    add(sums.failing_reasons.size() == 1 ? *sums.failing_reasons.begin() : "NodesFailing",
        absl::StrCat(PartOf(sums.failing.count, sums.nodes),
                     sums.failing.count == 1 ? " needs a look: " : " need a look: ",
                     sums.failing.ToString()));
    for (const std::string& trouble : PoolTroubles(input, sums)) add("PoolTrouble", trouble);
  }
  for (const PoolReport& report : input.pools.pools) {
    if (NeedsALook(report.state)) add(ToString(report.state), TextOf(report));
  }
  const NodePreparations::Context preparation = PreparationContext(input);
  if (sums.preparations.NeedsALook(preparation)) {
    add("NodesNotPrepared", sums.preparations.ToCondition(preparation)->message);
  }
  if (!input.taint_problem.empty()) {
    add("StartupTaintNotWritten",
        absl::StrCat("the API refuses to write the taint nodedevices.io/not-ready, and is asked "
                     "again: ",
                     input.taint_problem));
  }
  for (const std::string& text : input.membership.disputed) add("NodeInSeveralPools", text);
  if (texts.empty()) {
    condition.status = Truth::kFalse;
    condition.reason = "AsExpected";
    condition.message = "nothing needs a look";
  } else {
    condition.message = absl::StrJoin(texts, ". ");
  }
  return condition;
}

}  // namespace

Rollup RollUp(const RollupInput& input) {
  const StandingContext context = ContextOf(input);
  Sums sums;
  Json pools = Json::array();
  for (const NodeGroup& group : input.membership.groups) {
    pools.push_back(PoolOf(group, input, context, sums));
  }
  Json resources = Json::array();
  for (const auto& [name, count] : sums.resources) {
    resources.push_back({{"name", name},
                         {"announced", count.announced},
                         {"healthy", count.healthy},
                         {"allocated", count.allocated}});
  }
  std::vector<Condition> conditions = {Available(input, sums), ConfigAccepted(input, sums),
                                       Degraded(input, sums), DeviceManagerVerified(input, sums)};
  const NodePreparations::Context preparation = PreparationContext(input);
  if (std::optional<Condition> prepared = sums.preparations.ToCondition(preparation)) {
    conditions.push_back(*std::move(prepared));
  }
  if (std::optional<Condition> pools_configured = PoolsConfigured(input.pools)) {
    conditions.push_back(*std::move(pools_configured));
  }
  conditions.push_back(Progressing(input, sums));
  const std::int64_t generation = input.config.generation;
  return {.status = {{"observedGeneration", generation},
                     {"nodes", sums.nodes},
                     {"ready", sums.ready},
                     {"pools", std::move(pools)},
                     {"resources", std::move(resources)},
                     {"conditions", RenderConditions(conditions, ValueAt(input.object, "/status"),
                                                     generation, input.observed.now)}},
          .look_again = Earlier(Earlier(sums.fails_at, input.pools.look_again),
                                sums.preparations.LookAgain(preparation))};
}

}  // namespace nodedevice
