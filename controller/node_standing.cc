#include "controller/node_standing.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "controller/tolerations.h"

namespace nodedevice {
namespace {

using Kind = NodeStanding::Kind;

NodeStanding Failing(std::string reason, std::string message) {
  NodeStanding standing;
  standing.kind = Kind::kFailing;
  standing.reason = std::move(reason);
  standing.message = std::move(message);
  return standing;
}

NodeStanding OnTheWay(std::string reason, std::string message) {
  NodeStanding standing = Failing(std::move(reason), std::move(message));
  standing.kind = Kind::kOnTheWay;
  return standing;
}

// On the way since then, and for a while only.
NodeStanding Since(WallSeconds since, const StandingContext& context, std::string reason,
                   std::string message) {
  const WallSeconds end = since + kPatience;
  if (end <= context.now) return Failing(std::move(reason), std::move(message));
  NodeStanding standing = OnTheWay(std::move(reason), std::move(message));
  standing.fails_at = end;
  return standing;
}

std::string TaintText(const Taint& taint) {
  return absl::StrCat(taint.key, taint.value.empty() ? "" : "=", taint.value, ":", taint.effect);
}

// No agent speaks for the node.
NodeStanding WithoutAgent(const ObservedNode& node, const ObservedState* last,
                          const std::vector<const ObservedPod*>& pods,
                          const StandingContext& context) {
  for (const ObservedPod* pod : pods) {
    if (pod->problem.empty()) continue;
    return Failing("AgentNotStarting", absl::StrCat("pod ", pod->name, ": ", pod->problem));
  }
  if (!pods.empty()) {
    return Since(pods.front()->created, context, "AgentStarting",
                 absl::StrCat("pod ", pods.front()->name, " has not reported yet"));
  }
  if (const Taint* taint = UntoleratedTaint(node, context.tolerations)) {
    return Failing("TaintNotTolerated",
                   absl::StrCat("no agent may run here: the node has the taint ", TaintText(*taint),
                                ", which spec.tolerations does not tolerate"));
  }
  if (last != nullptr) {
    std::string message =
        absl::StrCat("pod ", last->pod, " of the agent is gone, what it said last is old");
    // An agent that is told to stop says so, and its successor comes at once.
    return last->ready == false ? Since(last->ready_since, context, "AgentGone", std::move(message))
                                : Failing("AgentGone", std::move(message));
  }
  return Since(std::max(node.created, context.deployed), context, "NoAgent",
               absl::StrCat("DaemonSet ", context.daemon_set, " has no pod on the node"));
}

// What a living agent says.
NodeStanding BySelf(const ObservedState& state, const StandingContext& context) {
  if (!state.config_error.empty()) return Failing("ConfigurationRefused", state.config_error);
  if (!state.ready) {
    return Since(state.created, context, "AgentStarting", "the agent says nothing yet");
  }
  if (!state.device_manager_up) {
    return Since(state.device_manager_since, context, "DeviceManagerDown",
                 absl::StrCat("the Device Manager is down: ", state.device_manager_problem));
  }
  if (state.generation != context.generation) {
    return Since(context.distributing_since.value_or(context.now), context, "OldGeneration",
                 absl::StrCat("generation ", state.generation, " is in force, not yet ",
                              context.generation));
  }
  if (*state.ready) return {};
  std::string reason = state.reason.empty() ? "NotReady" : state.reason;
  if (reason == "PluginCrashLooping") return Failing(std::move(reason), state.message);
  return Since(state.ready_since, context, std::move(reason), state.message);
}

bool IsAlive(const ObservedState& state, const std::vector<const ObservedPod*>& pods) {
  return state.pod.empty() ||
         std::ranges::any_of(pods, [&](const ObservedPod* pod) { return pod->name == state.pod; });
}

// What the cluster says of a node explains more than what its agent lacks, or says no more.
void ExplainByNode(const ObservedNode& node, const StandingContext& context,
                   NodeStanding& standing) {
  NodeStanding by_node = standing;
  if (standing.kind != Kind::kReady && node.update.kind == NodeUpdate::Kind::kUpdating) {
    by_node = OnTheWay(
        "NodeUpdating",
        absl::StrCat("the machine-config-operator brings the node from ", node.update.current,
                     " to ", node.update.desired,
                     node.update.state.empty() ? "" : absl::StrCat(" (", node.update.state, ")")));
  } else if (!node.ready) {
    by_node = Since(node.ready_since, context, "NodeNotReady",
                    absl::StrCat("the node is not ready: ", node.not_ready_text));
  }
  by_node.alive = standing.alive && node.ready;
  by_node.verified = standing.verified && node.ready;
  by_node.up_to_date = standing.up_to_date;
  if (by_node.kind == Kind::kFailing && node.update.kind == NodeUpdate::Kind::kFailed) {
    absl::StrAppend(&by_node.message, "; the machine-config-operator could not update the node: ",
                    node.update.reason);
  }
  standing = std::move(by_node);
}

}  // namespace

NodeStanding StandingOf(const ObservedNode& node, const ObservedState* state,
                        const std::vector<const ObservedPod*>& pods,
                        const StandingContext& context) {
  // A configuration of this name that was deleted may have left one behind.
  if (state != nullptr && !state->config_uid.empty() && state->config_uid != context.config_uid) {
    state = nullptr;
  }
  NodeStanding standing;
  if (state != nullptr && IsAlive(*state, pods)) {
    standing = BySelf(*state, context);
    standing.alive = true;
    standing.verified = state->device_manager_up;
    standing.up_to_date = state->config_error.empty() && state->generation == context.generation;
  } else {
    standing = WithoutAgent(node, state, pods, context);
  }
  ExplainByNode(node, context, standing);
  return standing;
}

}  // namespace nodedevice
