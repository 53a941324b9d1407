#include "controller/observed.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "controller/conditions.h"
#include "controller/writes.h"
#include "lib/base/utf8.h"
#include "lib/kube/object_fields.h"

namespace nodedevice {
namespace {

using Json = nlohmann::json;

// What is kept of one text: as much as a status may say of one node.
constexpr std::size_t kMaxText = 1024;

std::uint64_t CountAt(const Json& object, const char* pointer) {
  const Json& value = ValueAt(object, pointer);
  return value.is_number_unsigned() || (value.is_number_integer() && value.get<std::int64_t>() > 0)
             ? value.get<std::uint64_t>()
             : 0;
}

std::string ReasonAndMessage(const Json& object) {
  const std::string reason = TextAt(object, "/reason");
  const std::string message = OneLine(TextAt(object, "/message"), kMaxText);
  return message.empty() ? reason : absl::StrCat(reason, reason.empty() ? "" : ": ", message);
}

// What keeps one container from running.
std::string ContainerProblem(const Json& container) {
  const Json& waiting = ValueAt(container, "/state/waiting");
  const std::string reason = TextAt(waiting, "/reason");
  // The two that every pod goes through.
  if (reason.empty() || reason == "ContainerCreating" || reason == "PodInitializing") return "";
  return ReasonAndMessage(waiting);
}

Json WithOwnManagedFields(Json object) {
  Json own = Json::array();
  for (const Json& entry : ListAt(object, "/metadata/managedFields")) {
    if (TextAt(entry, "/manager") == kFieldManager) own.push_back(entry);
  }
  if (ValueAt(object, "/metadata").is_object()) {
    object["metadata"].erase("managedFields");
    if (!own.empty()) object["metadata"]["managedFields"] = std::move(own);
  }
  return object;
}

}  // namespace

std::string ConfigOf(const Json& object) {
  return TextAt(object, "/metadata/labels/nodedevices.io~1config");
}

ObservedNode ReadNode(const Json& object) {
  ObservedNode node{.name = TextAt(object, "/metadata/name"),
                    .resource_version = TextAt(object, "/metadata/resourceVersion"),
                    .created = ReadApiTime(TextAt(object, "/metadata/creationTimestamp")),
                    .labels = LabelsOf(object),
                    .taints = {},
                    .ready = true,
                    .ready_since = {},
                    .not_ready_text = {},
                    .update = UpdateOf(object)};
  for (const Json& taint : ListAt(object, "/spec/taints")) {
    node.taints.push_back({.key = TextAt(taint, "/key"),
                           .value = TextAt(taint, "/value"),
                           .effect = TextAt(taint, "/effect"),
                           .time_added = TextAt(taint, "/timeAdded")});
  }
  if (const Json& ready = ConditionOf(ValueAt(object, "/status"), "Ready"); !ready.is_null()) {
    node.ready = TextAt(ready, "/status") == "True";
    node.ready_since = ReadApiTime(TextAt(ready, "/lastTransitionTime"));
    if (!node.ready) node.not_ready_text = ReasonAndMessage(ready);
  }
  return node;
}

ObservedState ReadState(const Json& object) {
  ObservedState state{
      .name = TextAt(object, "/metadata/name"),
      .uid = TextAt(object, "/metadata/uid"),
      .node = TextAt(object, "/spec/nodeName"),
      .config = TextAt(object, "/spec/configName"),
      .config_uid = TextAt(object, "/metadata/ownerReferences/0/uid"),
      .created = ReadApiTime(TextAt(object, "/metadata/creationTimestamp")),
      .generation = static_cast<std::int64_t>(CountAt(object, "/status/observedGeneration")),
      .config_error = OneLine(TextAt(object, "/status/configError"), kMaxText),
      .pod = TextAt(object, "/status/agent/podName"),
      .device_manager_up = ValueAt(object, "/status/deviceManager/up") == true,
      .device_manager_since = ReadApiTime(TextAt(object, "/status/deviceManager/since")),
      .device_manager_problem = TextAt(object, "/status/deviceManager/problem"),
      .ready = std::nullopt,
      .ready_since = {},
      .reason = {},
      .message = {},
      .prepared = std::nullopt,
      .lacking = {},
      .resources = {}};
  for (const Json& text : ListAt(object, "/status/deviceManager/explanation")) {
    absl::StrAppend(&state.device_manager_problem, "; ", TextAt(text, ""));
  }
  state.device_manager_problem = OneLine(state.device_manager_problem, kMaxText);
  if (const Json& ready = ConditionOf(ValueAt(object, "/status"), "Ready"); !ready.is_null()) {
    state.ready = TextAt(ready, "/status") == "True";
    state.ready_since = ReadApiTime(TextAt(ready, "/lastTransitionTime"));
    state.reason = TextAt(ready, "/reason");
    state.message = OneLine(TextAt(ready, "/message"), kMaxText);
  }
  if (const Json& prepared = ConditionOf(ValueAt(object, "/status"), "NodePrepared");
      !prepared.is_null()) {
    state.prepared = TextAt(prepared, "/status") == "True";
    if (!*state.prepared) state.lacking = OneLine(TextAt(prepared, "/message"), kMaxText);
  }
  for (const Json& resource : ListAt(object, "/status/resources")) {
    state.resources.push_back({.name = TextAt(resource, "/resourceName"),
                               .announced = CountAt(resource, "/announced"),
                               .healthy = CountAt(resource, "/healthy"),
                               .allocated = CountAt(resource, "/allocated")});
  }
  return state;
}

ObservedPod ReadPod(const Json& object) {
  ObservedPod pod{.name = TextAt(object, "/metadata/name"),
                  .node = TextAt(object, "/spec/nodeName"),
                  .config = ConfigOf(object),
                  .created = ReadApiTime(TextAt(object, "/metadata/creationTimestamp")),
                  .problem = {}};
  for (const Json& container : ListAt(object, "/status/containerStatuses")) {
    if (pod.problem.empty()) pod.problem = ContainerProblem(container);
  }
  // Such as Evicted, or a node's refusal to admit it.
  if (pod.problem.empty() && TextAt(object, "/status/phase") == "Failed") {
    pod.problem = ReasonAndMessage(ValueAt(object, "/status"));
    if (pod.problem.empty()) pod.problem = "Failed";
  }
  return pod;
}

Json ReadMachineConfigPool(const Json& object) { return WithOwnManagedFields(object); }

Json ReadKubeletConfig(const Json& object) { return WithOwnManagedFields(object); }

Json ReadMachineConfig(const Json& object) {
  const Json& metadata = ValueAt(object, "/metadata");
  if (!ConfigOf(object).empty() || !metadata.is_object()) return WithOwnManagedFields(object);
  return WithOwnManagedFields({{"kind", "MachineConfig"}, {"metadata", metadata}});
}

ObservedClusterVersion ReadClusterVersion(const Json& object) {
  const Json& progressing = ConditionOf(ValueAt(object, "/status"), "Progressing");
  return {.is_upgrading = TextAt(progressing, "/status") == "True",
          .text = OneLine(TextAt(progressing, "/message"), kMaxText)};
}

bool HasHostedControlPlane(const Json& infrastructure) {
  return TextAt(infrastructure, "/status/controlPlaneTopology") == "External";
}

}  // namespace nodedevice
