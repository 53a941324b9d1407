#include "tests/soak/planner.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"

namespace nodedevice::soak {
namespace {

constexpr int kMostPods = 8;
constexpr int kMostReplicas = 3;
constexpr int kMostOfAContainer = 3;
constexpr int kOneInThisManyFollowsAtOnce = 5;

// How often each comes beside the others.
constexpr std::pair<Kind, int> kWeights[] = {
    {Kind::kPlug, 8},         {Kind::kUnplug, 8},      {Kind::kReplaceNode, 4},
    {Kind::kAdmitPod, 14},    {Kind::kDeletePod, 9},   {Kind::kRestartKubelet, 4},
    {Kind::kEndKubelet, 3},   {Kind::kKillKubelet, 3}, {Kind::kDropStreams, 4},
    {Kind::kSlowKubelet, 1},  {Kind::kRefuseDial, 1},  {Kind::kKillPlugin, 4},
    {Kind::kKillObserver, 2}, {Kind::kEndAgent, 2},    {Kind::kKillAgent, 3},
    {Kind::kConfigure, 5},    {Kind::kRemoveEntry, 3}, {Kind::kBadConfig, 2},
    {Kind::kApiOutage, 2},    {Kind::kApiForgets, 2},  {Kind::kCutWatches, 2},
};

bool IsOneOf(Kind kind, std::initializer_list<Kind> kinds) {
  return std::ranges::find(kinds, kind) != kinds.end();
}

std::vector<std::string> Entries(const Node& node, const auto& condition) {
  std::vector<std::string> names;
  for (const auto& [name, entry] : node.entries) {
    if (condition(name, entry)) names.push_back(name);
  }
  return names;
}

bool IsBase(const std::string& name) { return KindOf(name).is_base; }

std::vector<std::string> Plugged(const Node& node) {
  return Entries(node,
                 [](const auto&, const Node::Entry& entry) { return !entry.plugged.empty(); });
}

std::vector<std::string> Unplugged(const Node& node) {
  return Entries(node, [](const std::string& name, const Node::Entry& entry) {
    return static_cast<int>(entry.plugged.size()) < KindOf(name).devices;
  });
}

std::vector<std::string> Configured(const Node& node) {
  return Entries(node, [](const auto&, const Node::Entry& entry) { return entry.configured; });
}

std::vector<std::string> Killable(const Node& node, Part part) {
  return Entries(node, [&](const std::string& name, const Node::Entry& entry) {
    return entry.configured && entry.kills < kMostKills && (part == Part::kStorm || !IsBase(name));
  });
}

std::vector<std::string> Changeable(const Node& node, Part part) {
  return Entries(node, [&](const std::string& name, const Node::Entry&) {
    return part == Part::kStorm || !IsBase(name);
  });
}

std::vector<std::string> Removable(const Node& node) {
  return Entries(node, [](const std::string& name, const Node::Entry& entry) {
    return entry.configured && !IsBase(name);
  });
}

}  // namespace

bool Planner::IsPossible(Kind kind, const Node& node, Part part) const {
  // What follows at once must come to the same, whether the step before was noticed already or not.
  if (!is_settled_) {
    const bool may_follow = IsOneOf(kind, {Kind::kRestartKubelet, Kind::kDropStreams,
                                           Kind::kEndAgent, Kind::kKillAgent, Kind::kConfigure});
    if (!may_follow) return false;
  }
  switch (kind) {
    case Kind::kPlug:
      return !Unplugged(node).empty();
    case Kind::kUnplug:
    case Kind::kReplaceNode:
      return !Plugged(node).empty();
    case Kind::kAdmitPod:
      return static_cast<int>(node.pods.size()) < kMostPods;
    case Kind::kDeletePod:
      return !node.pods.empty();
    case Kind::kEndKubelet:
    case Kind::kKillKubelet:
    case Kind::kEndAgent:
    case Kind::kKillAgent:
      return part == Part::kStorm;
    case Kind::kKillObserver:
      return part == Part::kStorm && node.observer_kills < kMostKills;
    case Kind::kKillPlugin:
      return !Killable(node, part).empty();
    case Kind::kRemoveEntry:
      return !Removable(node).empty();
    case Kind::kApiOutage:
    case Kind::kApiForgets:
    case Kind::kCutWatches:
      return node.source == Source::kApi;
    case Kind::kRestartKubelet:
    case Kind::kDropStreams:
    case Kind::kSlowKubelet:
    case Kind::kRefuseDial:
    case Kind::kConfigure:
    case Kind::kBadConfig:
      return true;
    case Kind::kMark:
      return false;
  }
  return false;
}

std::vector<Planner::Choice> Planner::Choices(const Node& node, Part part) const {
  std::vector<Choice> choices;
  for (const auto& [kind, weight] : kWeights) {
    if (IsPossible(kind, node, part)) choices.push_back({kind, weight});
  }
  return choices;
}

Step Planner::Next(const Node& node, Part part) {
  Step step;
  if (part == Part::kWear && node.source != Source::kApi && !tidying_ && is_settled_) {
    step.kind = Kind::kEndAgent;
    step.source = Source::kApi;
    since_mark_ = kStepsToMark;  // the first mark comes as soon as it can
  } else if (is_settled_ && (tidying_ || (part == Part::kWear && since_mark_ >= kStepsToMark))) {
    tidying_ = true;
    step = TidyUp(node);
  } else {
    const std::vector<Choice> choices = Choices(node, part);
    int at = Below(
        std::accumulate(choices.begin(), choices.end(), std::size_t{0},
                        [](std::size_t sum, const Choice& choice) { return sum + choice.weight; }));
    auto choice = choices.begin();
    while (at >= choice->weight) at -= (choice++)->weight;
    step.kind = choice->kind;
    Fill(node, part, step);
  }
  step.number = ++number_;
  ++since_mark_;
  if (step.kind == Kind::kMark) {
    since_mark_ = 0;
    tidying_ = false;
  }
  is_settled_ = step.settle;
  return step;
}

void Planner::Fill(const Node& node, Part part, Step& step) {
  switch (step.kind) {
    case Kind::kPlug: {
      step.entry = OneOf(Unplugged(node));
      std::vector<int> missing;
      for (int i = 0; i < KindOf(step.entry).devices; ++i) {
        if (!node.entries.at(step.entry).plugged.contains(i)) missing.push_back(i);
      }
      step.device = OneOf(missing);
      break;
    }
    case Kind::kUnplug:
    case Kind::kReplaceNode: {
      step.entry = OneOf(Plugged(node));
      const std::set<int>& plugged = node.entries.at(step.entry).plugged;
      step.device = OneOf(std::vector<int>(plugged.begin(), plugged.end()));
      break;
    }
    case Kind::kAdmitPod:
      step.pod = absl::StrCat("pod", node.next_pod);
      step.asked = Wishes(node);
      break;
    case Kind::kDeletePod: {
      std::vector<std::string> pods;
      for (const auto& [pod, held] : node.pods) pods.push_back(pod);
      step.pod = OneOf(pods);
      break;
    }
    case Kind::kDropStreams:
    case Kind::kRefuseDial:
      step.entry = OneOf(Configured(node));
      break;
    case Kind::kKillPlugin:
      step.entry = OneOf(Killable(node, part));
      break;
    case Kind::kEndAgent:
    case Kind::kKillAgent:
      step.source = Below(2) == 0 ? Source::kFile : Source::kApi;
      break;
    case Kind::kConfigure: {
      step.entry = OneOf(Changeable(node, part));
      const Node::Entry& entry = node.entries.at(step.entry);
      // An id that a pod holds must not become another's: with another number of replicas the same
      // device would be announced under new ids, and a kubelet would give it away once more.
      step.replicas = node.InUse(step.entry).empty() ? 1 + Below(kMostReplicas) : entry.replicas;
      step.revision = entry.revision + Below(2);
      break;
    }
    case Kind::kRemoveEntry:
      step.entry = OneOf(Removable(node));
      break;
    default:
      break;
  }
  // Whatever may follow one of these comes to one end only.
  const bool may_be_followed = IsOneOf(
      step.kind, {Kind::kPlug, Kind::kUnplug, Kind::kReplaceNode, Kind::kRestartKubelet,
                  Kind::kDropStreams, Kind::kKillPlugin, Kind::kApiForgets, Kind::kCutWatches});
  step.settle = !is_settled_ || !may_be_followed || Below(kOneInThisManyFollowsAtOnce) != 0;
}

Asked Planner::Wishes(const Node& node) {
  Asked asked;
  const std::vector<std::string> configured = Configured(node);
  const int containers = 1 + Below(3);
  for (int i = 0; i < containers; ++i) {
    std::map<std::string, int>& wishes = asked[absl::StrCat("c", i)];
    const int resources = 1 + Below(2);
    for (int k = 0; k < resources; ++k) {
      wishes[OneOf(configured)] = 1 + Below(kMostOfAContainer);
    }
  }
  // Most pods come through a scheduler, which sends none that does not fit.
  while (Below(6) != 0 && !node.Fits(asked)) {
    if (asked.size() > 1) {
      asked.erase(asked.begin());
      continue;
    }
    for (auto& [entry, count] : asked.begin()->second) count = std::max(1, count - 1);
    if (asked.begin()->second.size() > 1) {
      asked.begin()->second.erase(asked.begin()->second.begin());
    }
  }
  return asked;
}

Step Planner::TidyUp(const Node& node) {
  Step step;
  if (!node.pods.empty()) {
    step.kind = Kind::kDeletePod;
    step.pod = node.pods.begin()->first;
    return step;
  }
  for (const auto& [name, entry] : node.entries) {
    for (int i = 0; i < KindOf(name).devices; ++i) {
      if (entry.plugged.contains(i)) continue;
      step.kind = Kind::kPlug;
      step.entry = name;
      step.device = i;
      return step;
    }
  }
  for (const auto& [name, entry] : node.entries) {
    step.entry = name;
    if (entry.configured && !KindOf(name).at_first) {
      step.kind = Kind::kRemoveEntry;
      return step;
    }
    if (KindOf(name).at_first &&
        (!entry.configured || entry.replicas != 1 || entry.revision != 0)) {
      step.kind = Kind::kConfigure;
      return step;
    }
  }
  step.entry.clear();
  step.kind = Kind::kMark;
  return step;
}

}  // namespace nodedevice::soak
