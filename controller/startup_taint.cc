#include "controller/startup_taint.h"

#include <algorithm>
#include <utility>

#include "controller/tolerations.h"

namespace nodedevice {
namespace {

using Json = nlohmann::json;

constexpr char kEffect[] = "NoSchedule";

enum class Word { kNone, kNotReady, kReady };

bool IsOurs(const Taint& taint) { return taint.key == kStartupTaint && taint.effect == kEffect; }

bool HasTaint(const ObservedNode& node) { return std::ranges::any_of(node.taints, IsOurs); }

Json Rendered(const Taint& taint) {
  Json rendered = {{"key", taint.key}, {"effect", taint.effect}};
  if (!taint.value.empty()) rendered["value"] = taint.value;
  if (!taint.time_added.empty()) rendered["timeAdded"] = taint.time_added;
  return rendered;
}

NodePatch PatchOf(const ObservedNode& node, bool tainted) {
  Json taints = Json::array();
  for (const Taint& taint : node.taints) {
    if (!IsOurs(taint)) taints.push_back(Rendered(taint));
  }
  if (tainted) taints.push_back(Rendered({.key = kStartupTaint, .effect = kEffect}));
  return {node.name,
          {{"metadata", {{"resourceVersion", node.resource_version}}},
           {"spec", {{"taints", std::move(taints)}}}}};
}

class Planner {
 public:
  Planner(const Observed& observed, const AgentIndex& agents)
      : observed_(observed), agents_(agents) {}

  StartupTaints Make(const std::vector<StartupAsker>& askers) {
    std::vector<std::vector<const StartupAsker*>> of_node(observed_.nodes.size());
    for (const StartupAsker& asker : askers) {
      for (const NodeGroup& group : asker.membership.groups) {
        for (const std::size_t index : group.nodes) of_node[index].push_back(&asker);
      }
    }
    for (std::size_t i = 0; i < of_node.size(); ++i) {
      const ObservedNode& node = observed_.nodes[i];
      const bool has = HasTaint(node);
      const bool wants = Wants(node, of_node[i], has);
      if (wants != has) taints_.patches.push_back(PatchOf(node, wants));
    }
    return std::move(taints_);
  }

 private:
  bool Wants(const ObservedNode& node, const std::vector<const StartupAsker*>& askers, bool has) {
    bool all_ready = true;
    for (const StartupAsker* asker : askers) {
      const Word word = WordOf(node, *asker);
      if (word == Word::kNone) return true;
      if (word == Word::kNotReady) all_ready = false;
    }
    return !all_ready && has;
  }

  // What the agent has said since the node became ready. While it is not, nothing is known.
  Word WordOf(const ObservedNode& node, const StartupAsker& asker) {
    const AgentIndex::ByNode& agents = agents_.Of(asker.config);
    const auto agent = agents.find(node.name);
    const ObservedState* state = agent == agents.end() ? nullptr : agent->second.state;
    if (state == nullptr || !state->ready) return Word::kNone;
    if (!state->config_uid.empty() && state->config_uid != asker.uid) return Word::kNone;
    if (!node.ready) return Word::kNotReady;
    const WallSeconds believed = node.ready_since + kLateWord;
    if (state->ready_since < node.ready_since && observed_.now < believed) {
      if (!taints_.look_again || believed < *taints_.look_again) taints_.look_again = believed;
      return Word::kNone;
    }
    return *state->ready ? Word::kReady : Word::kNotReady;
  }

  const Observed& observed_;
  const AgentIndex& agents_;
  StartupTaints taints_;
};

}  // namespace

StartupTaints PlanStartupTaints(const Observed& observed, const AgentIndex& agents,
                                const std::vector<StartupAsker>& askers) {
  return Planner(observed, agents).Make(askers);
}

}  // namespace nodedevice
