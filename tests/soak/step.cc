#include "tests/soak/step.h"

#include <array>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace nodedevice::soak {
namespace {

struct Description {
  std::string_view name;
  bool is_fault;
};

constexpr std::array<Description, kKinds> kDescriptions = {{
    {"plug a device", false},
    {"unplug a device", false},
    {"replace a device's node", false},
    {"admit a pod", false},
    {"delete a pod", false},
    {"restart the kubelet", true},
    {"end and start the kubelet", true},
    {"kill and start the kubelet", true},
    {"drop the streams", true},
    {"restart the kubelet, which answers late", true},
    {"restart the kubelet, which reaches nobody", true},
    {"kill a plugin", true},
    {"kill the observer", true},
    {"end and start the agent", true},
    {"kill and start the agent", true},
    {"add or change an entry", false},
    {"remove an entry", false},
    {"a bad configuration, then a good one", true},
    {"API server refuses all requests for a while", true},
    {"API server forgets its history", true},
    {"API server cuts its watches", true},
    {"take figures", false},
}};

const Description& Of(Kind kind) { return kDescriptions.at(static_cast<std::size_t>(kind)); }

std::string Details(const Step& step) {
  switch (step.kind) {
    case Kind::kPlug:
    case Kind::kUnplug:
    case Kind::kReplaceNode:
      return absl::StrCat(" ", step.entry, step.device);
    case Kind::kAdmitPod: {
      std::string text = " " + step.pod;
      for (const auto& [container, wishes] : step.asked) {
        absl::StrAppend(&text, ", ", container, ": ",
                        absl::StrJoin(wishes, " ", absl::PairFormatter("=")));
      }
      return text;
    }
    case Kind::kDeletePod:
      return " " + step.pod;
    case Kind::kDropStreams:
    case Kind::kKillPlugin:
    case Kind::kRefuseDial:
    case Kind::kRemoveEntry:
      return " " + step.entry;
    case Kind::kConfigure:
      return absl::StrCat(" ", step.entry, ", ", step.replicas, " replicas, revision ",
                          step.revision);
    case Kind::kEndAgent:
    case Kind::kKillAgent:
      return step.source == Source::kApi ? " from the API" : " from a file";
    default:
      return "";
  }
}

}  // namespace

std::string_view NameOf(Kind kind) { return Of(kind).name; }
bool IsFault(Kind kind) { return Of(kind).is_fault; }

std::string ToText(const Step& step) {
  const std::string_view name = NameOf(step.kind);
  return absl::StrCat(step.number, " ", std::string(name), ":", Details(step),
                      step.settle ? "" : ", and at once");
}

void Apply(const Step& step, Node& node) {
  switch (step.kind) {
    case Kind::kPlug:
    case Kind::kReplaceNode:
      node.Plug(step.entry, step.device);
      break;
    case Kind::kUnplug:
      node.Unplug(step.entry, step.device);
      break;
    case Kind::kAdmitPod:
      ++node.next_pod;
      break;
    case Kind::kDeletePod:
      node.Delete(step.pod);
      break;
    case Kind::kEndKubelet:
    case Kind::kKillKubelet: {
      const std::string survivor = node.Survivor();
      std::erase_if(node.pods, [&](const auto& pod) { return pod.first != survivor; });
      break;
    }
    case Kind::kKillPlugin:
      node.StartPlugin(step.entry);
      ++node.entries.at(step.entry).kills;
      break;
    case Kind::kEndAgent:
    case Kind::kKillAgent:
      node.StartAgent(step.source);
      break;
    case Kind::kConfigure:
      node.Configure(step.entry, step.replicas, step.revision);
      break;
    case Kind::kRemoveEntry:
      node.Remove(step.entry);
      break;
    case Kind::kKillObserver:
      ++node.observer_kills;
      break;
    case Kind::kRestartKubelet:
    case Kind::kDropStreams:
    case Kind::kSlowKubelet:
    case Kind::kRefuseDial:
    case Kind::kBadConfig:
    case Kind::kApiOutage:
    case Kind::kApiForgets:
    case Kind::kCutWatches:
    case Kind::kMark:
      break;
  }
}

}  // namespace nodedevice::soak
