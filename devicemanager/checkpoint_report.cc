#include "devicemanager/checkpoint_report.h"

#include <map>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/str_join.h"
#include "devicemanager/merge.h"

namespace nodedevice::devicemanager {
namespace {

using OrderedJson = nlohmann::ordered_json;

constexpr char kConsequence[] = "; a kubelet starts without it and has forgotten who holds what";

// Where the text stops being JSON, counted from 1; 0 when it is JSON, or has a number too large for
// any.
std::size_t BrokenByte(std::string_view text) {
  try {
    return nlohmann::json::parse(text).is_discarded() ? 1 : 0;
  } catch (const nlohmann::json::parse_error& error) {
    return error.byte;
  } catch (const nlohmann::json::out_of_range&) {
    return 0;
  }
}

template <typename Visit>
void ForEach(const PodDevices& pod_devices, Visit visit) {
  for (const auto& [pod, containers] : pod_devices.pods()) {
    for (const auto& [container, resources] : containers) {
      for (const auto& [resource, held] : resources) visit(pod, container, resource, held);
    }
  }
}

// nullopt when it cannot be read, or a kubelet wrote none.
std::optional<v1beta1::ContainerAllocateResponse> AnswerOf(const HeldDevices& held) {
  v1beta1::ContainerAllocateResponse answer;
  if (!held.response || !answer.ParseFromString(*held.response)) return std::nullopt;
  return answer;
}

std::string NodeText(std::int64_t node) {
  return node == kNoNumaNode ? "" : absl::StrCat(" on NUMA node ", node);
}

}  // namespace

absl::StatusOr<Checkpoint> ReadForPeople(std::string_view text) {
  absl::StatusOr<Checkpoint> checkpoint = DecodeCheckpoint(text);
  if (checkpoint.ok()) return checkpoint;
  std::string problem(checkpoint.status().message());
  if (const std::size_t byte = BrokenByte(text); text.empty()) {
    problem = "it is empty";
  } else if (byte > text.size()) {
    problem = absl::StrCat("it ends in the middle, after ", text.size(), " bytes");
  } else if (byte > 0) {
    problem = absl::StrCat("not JSON any more at byte ", byte, " of ", text.size());
  }
  return absl::DataLossError(problem + kConsequence);
}

std::vector<std::string> ProblemsOf(const Checkpoint& checkpoint) {
  std::vector<std::string> problems;
  std::map<std::pair<std::string, std::string>, std::set<std::string>> holders;
  ForEach(checkpoint.pod_devices, [&](const auto& pod, const auto& container, const auto& resource,
                                      const HeldDevices& held) {
    if (!AnswerOf(held)) {
      problems.push_back(absl::StrCat("pod ", pod, " container ", container,
                                      ": the answer of the plugin of ", resource,
                                      " cannot be read; a kubelet drops this entry, and its "
                                      "devices may be given to another pod"));
    }
    for (const std::string& id : held.Ids()) holders[{resource, id}].insert(pod);
  });
  for (const auto& [device, pods] : holders) {
    if (pods.size() < 2) continue;
    problems.push_back(absl::StrCat(device.first, " ", device.second,
                                    " is held by several pods: ", absl::StrJoin(pods, ", ")));
  }
  return problems;
}

nlohmann::ordered_json CheckpointJson(const Checkpoint& checkpoint) {
  OrderedJson entries = OrderedJson::array();
  ForEach(checkpoint.pod_devices, [&](const auto& pod, const auto& container, const auto& resource,
                                      const HeldDevices& held) {
    OrderedJson devices = OrderedJson::object();
    for (const auto& [node, ids] : held.by_node) devices[std::to_string(node)] = ids;
    OrderedJson answer;
    if (const auto read = AnswerOf(held)) {
      answer = ToJson(Merge({{resource, *read}}));
      answer.erase("conflicts");
    }
    entries.push_back({{"pod", pod},
                       {"container", container},
                       {"resource", resource},
                       {"devices", std::move(devices)},
                       {"answer", std::move(answer)}});
  });
  return {{"entries", std::move(entries)},
          {"registered", checkpoint.registered},
          {"problems", ProblemsOf(checkpoint)}};
}

std::string CheckpointText(const Checkpoint& checkpoint) {
  std::string text;
  ForEach(checkpoint.pod_devices, [&](const auto& pod, const auto& container, const auto& resource,
                                      const HeldDevices& held) {
    absl::StrAppend(&text, "pod ", pod, " container ", container, " holds of ", resource, ":");
    const char* separator = " ";
    for (const auto& [node, ids] : held.by_node) {
      absl::StrAppend(&text, separator, absl::StrJoin(ids, " "), NodeText(node));
      separator = ", ";
    }
    absl::StrAppend(&text, "\n");
  });
  if (text.empty()) text = "no pod holds a device\n";
  for (const auto& [resource, ids] : checkpoint.registered) {
    absl::StrAppend(&text, "resource ", resource, ": ", ids.size(), " healthy when it was written",
                    ids.empty() ? "" : ": ", absl::StrJoin(ids, " "), "\n");
  }
  for (const std::string& problem : ProblemsOf(checkpoint)) {
    absl::StrAppend(&text, "problem: ", problem, "\n");
  }
  return text;
}

}  // namespace nodedevice::devicemanager
