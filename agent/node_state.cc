#include "agent/node_state.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/str_join.h"
#include "agent/readiness.h"
#include "lib/base/utf8.h"
#include "lib/kube/api_time.h"
#include "lib/kube/bounded_name.h"

namespace nodedevice {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMaxName = 253;
constexpr std::size_t kMaxText = 1024;
// Of plugins, and of resources: after an edit those that end are still among them.
constexpr std::size_t kMaxRows = 256;
constexpr std::size_t kMaxUnhealthy = 256;
constexpr std::size_t kMaxPods = 512;
// Of the names of held devices together: an API server takes an object of 1.5 MB.
constexpr std::size_t kMaxHeldNames = 128u << 10;
constexpr std::size_t kMaxMessage = 4096;
constexpr std::size_t kMaxExplanations = 16;
// The one condition that nobody wants, so it is there only while it is true.
constexpr char kEntriesConflict[] = "EntriesConflict";

void SetText(Json& object, const char* key, std::string_view text) {
  if (!text.empty()) object[key] = Utf8Prefix(text, kMaxText);
}

// Why the node is not ready, in one word.
std::string ReasonOf(const Snapshot& snapshot) {
  if (snapshot.stopping) return "AgentStopping";
  if (!snapshot.config.accepted) return "NoConfiguration";
  if (!snapshot.device_manager.up) return "DeviceManagerDown";
  std::set<PluginPhase> phases;
  for (const PluginStatus& plugin : snapshot.plugins) phases.insert(plugin.phase);
  if (phases.contains(PluginPhase::kBackingOff)) return "PluginCrashLooping";
  if (phases.contains(PluginPhase::kStarting)) return "PluginStarting";
  if (phases.contains(PluginPhase::kHeld)) return "PluginHeld";
  if (phases.contains(PluginPhase::kStopping)) return "PluginStopping";
  if (!snapshot.config.error.empty()) return "ConfigurationRefused";
  return "AllRegistered";
}

// What is wrong with the Device Manager, and what the API says of that.
std::string WhyDown(const DeviceManagerStatus& manager) {
  std::vector<std::string> texts = manager.explanation;
  texts.insert(texts.begin(), manager.problem);
  return absl::StrJoin(texts, "; ");
}

void AddExplanation(const DeviceManagerStatus& manager, Json& object) {
  if (manager.explanation.empty()) return;
  Json& texts = object["explanation"] = Json::array();
  for (const std::string& text : manager.explanation) {
    if (texts.size() == kMaxExplanations) break;
    texts.push_back(Utf8Prefix(text, kMaxText));
  }
}

// Of a foreign plugin, what the kubelet says of it.
std::string RegistrationErrors(const PluginStatus& plugin) {
  if (plugin.exec) return plugin.note;
  std::set<std::string> errors;
  for (const ResourceReport& resource : plugin.resources) {
    if (!resource.error.empty()) errors.insert(resource.error);
  }
  return absl::StrJoin(errors, "; ");
}

Json Resources(const Snapshot& snapshot) {
  struct Row {
    std::optional<std::uint64_t> announced;
    std::uint64_t healthy = 0;
    std::optional<ResourceUse> use;
  };
  std::map<std::string, Row> rows;
  for (const PluginStatus& plugin : snapshot.plugins) {
    for (const ResourceReport& resource : plugin.resources) {
      Row& row = rows[resource.resource];
      row.announced = row.announced.value_or(0) + resource.healthy + resource.unhealthy;
      row.healthy += resource.healthy;
    }
  }
  // Those of foreign plugins too, of which only the kubelet tells.
  for (const auto& [name, use] : snapshot.kubelet.resources) rows[name].use = use;
  Json resources = Json::array();
  for (const auto& [name, row] : rows) {
    if (resources.size() == kMaxRows) break;
    Json entry = {{"resourceName", name}};
    if (row.announced) {
      entry["announced"] = *row.announced;
      entry["healthy"] = row.healthy;
    }
    if (row.use) {
      entry["accepted"] = row.use->accepted;
      entry["allocated"] = row.use->allocated;
    }
    resources.push_back(std::move(entry));
  }
  return resources;
}

void AddUnhealthy(const Snapshot& snapshot, Json& status) {
  Json devices = Json::array();
  std::uint64_t omitted = 0;
  for (const PluginStatus& plugin : snapshot.plugins) {
    for (const ResourceReport& resource : plugin.resources) {
      for (const DeviceReport& device : resource.devices) {
        if (device.healthy) continue;
        if (devices.size() == kMaxUnhealthy) {
          ++omitted;
          continue;
        }
        Json entry = {{"resourceName", resource.resource}, {"id", Utf8Prefix(device.id, kMaxText)}};
        SetText(entry, "reason", device.reason);
        devices.push_back(std::move(entry));
      }
    }
  }
  if (!devices.empty()) status["unhealthyDevices"] = std::move(devices);
  if (omitted > 0) status["unhealthyDevicesOmitted"] = omitted;
}

void AddPods(const KubeletView& kubelet, Json& status) {
  Json pods = Json::array();
  std::size_t names = 0;  // bytes
  for (const DeviceHolder& holder : kubelet.holders) {
    if (pods.size() == kMaxPods) break;
    Json devices = Json::array();
    for (const std::string& id : holder.devices) {
      if (names + id.size() > kMaxHeldNames) break;
      names += id.size();
      devices.push_back(Utf8Prefix(id, kMaxText));
    }
    Json entry = {{"namespace", Utf8Prefix(holder.namespace_name, kMaxText)},
                  {"name", Utf8Prefix(holder.pod, kMaxText)},
                  {"container", Utf8Prefix(holder.container, kMaxText)},
                  {"resourceName", Utf8Prefix(holder.resource, kMaxText)}};
    if (holder.count > devices.size()) entry["devicesOmitted"] = holder.count - devices.size();
    entry["devices"] = std::move(devices);
    pods.push_back(std::move(entry));
  }
  std::uint64_t holders = 0;
  for (const auto& [name, use] : kubelet.resources) holders += use.holders;
  if (holders > pods.size()) status["podsOmitted"] = holders - pods.size();
  if (!pods.empty()) status["pods"] = std::move(pods);
}

}  // namespace

std::string NodeStateName(const NodeIdentity& identity) {
  return BoundedName(absl::StrCat(identity.node_name, ".", identity.config_name), kMaxName);
}

NodeStateRenderer::NodeStateRenderer(NodeIdentity identity,
                                     std::chrono::system_clock::time_point wall, TimePoint at)
    : identity_(std::move(identity)),
      name_(NodeStateName(identity_)),
      wall_offset_(wall.time_since_epoch() - at.time_since_epoch()) {}

Json NodeStateRenderer::Object(const Snapshot& snapshot) const {
  return {{"apiVersion", kApiVersion},
          {"kind", "NodeDeviceState"},
          {"metadata",
           {{"name", name_},
            {"labels", {{"nodedevices.io/config", identity_.config_name}}},
            {"ownerReferences",
             {{{"apiVersion", kApiVersion},
               {"kind", "DevicePluginConfig"},
               {"name", identity_.config_name},
               {"uid", snapshot.config.uid}}}}}},
          {"spec", {{"nodeName", identity_.node_name}, {"configName", identity_.config_name}}}};
}

Json NodeStateRenderer::Status(const Snapshot& snapshot) {
  Json status = {{"observedGeneration", snapshot.config.generation},
                 {"agent", {{"version", snapshot.version}, {"startedAt", Time(snapshot.started)}}},
                 {"deviceManager",
                  {{"up", snapshot.device_manager.up},
                   {"since", Time(snapshot.device_manager.since)},
                   {"restarts", snapshot.device_manager.restarts}}}};
  SetText(status["agent"], "podName", identity_.pod_name);
  SetText(status["deviceManager"], "socket", snapshot.device_manager.socket);
  SetText(status["deviceManager"], "kubeletVersion", snapshot.node.kubelet_version);
  SetText(status["deviceManager"], "problem", snapshot.device_manager.problem);
  AddExplanation(snapshot.device_manager, status["deviceManager"]);
  SetText(status, "configError", snapshot.config.error);

  std::vector<std::string> reasons = NotReadyReasons(snapshot);
  if (!snapshot.config.error.empty() && snapshot.config.accepted) {
    reasons.push_back(
        absl::StrCat("the newest configuration is not in force: ", snapshot.config.error));
  }
  status["conditions"] =
      Json::array({ConditionOf(snapshot, "ConfigAccepted",
                               snapshot.config.accepted && snapshot.config.error.empty(),
                               !snapshot.config.error.empty() ? "Refused"
                               : snapshot.config.accepted     ? "InForce"
                                                              : "NotReadYet",
                               snapshot.config.error),
                   ConditionOf(snapshot, "DeviceManagerUp", snapshot.device_manager.up,
                               snapshot.device_manager.up ? "Answers" : "DoesNotAnswer",
                               WhyDown(snapshot.device_manager)),
                   ConditionOf(snapshot, "Ready", reasons.empty(), ReasonOf(snapshot),
                               absl::StrJoin(reasons, "; "))});
  if (snapshot.preparation.asked) {
    const std::vector<std::string>& lacking = snapshot.preparation.lacking;
    status["conditions"].push_back(ConditionOf(snapshot, "NodePrepared", lacking.empty(),
                                               lacking.empty() ? "AsAsked" : "Lacking",
                                               absl::StrJoin(lacking, "; ")));
  }
  AddConflicts(snapshot, status["conditions"]);
  status["plugins"] = Plugins(snapshot);
  status["resources"] = Resources(snapshot);
  AddUnhealthy(snapshot, status);
  AddPods(snapshot.kubelet, status);
  return {{"apiVersion", kApiVersion},
          {"kind", "NodeDeviceState"},
          {"metadata", {{"name", name_}}},
          {"status", std::move(status)}};
}

std::string NodeStateRenderer::Time(TimePoint at) const {
  const WallTime wall(std::chrono::duration_cast<WallTime::duration>(at.time_since_epoch()) +
                      wall_offset_);
  return ApiTime(std::chrono::floor<std::chrono::seconds>(wall));
}

Json NodeStateRenderer::ConditionOf(const Snapshot& snapshot, const std::string& type, bool status,
                                    const std::string& reason, const std::string& message) {
  const auto [told, fresh] = conditions_.try_emplace(type, Condition{status, snapshot.looked_at});
  if (!fresh && told->second.status != status) told->second = {status, snapshot.looked_at};
  return {{"type", type},
          {"status", status ? "True" : "False"},
          {"reason", reason},
          {"message", Utf8Prefix(message, kMaxMessage)},
          {"observedGeneration", snapshot.config.generation},
          {"lastTransitionTime", Time(told->second.since)}};
}

void NodeStateRenderer::AddConflicts(const Snapshot& snapshot, Json& conditions) {
  const std::vector<std::string> conflicts = SentencesOf(snapshot.conflicts);
  if (conflicts.empty()) {
    conditions_.erase(kEntriesConflict);
    return;
  }
  conditions.push_back(
      ConditionOf(snapshot, kEntriesConflict, true,
                  snapshot.conflicts.devices.empty() ? "ContainersDiffer" : "DeviceAnnouncedTwice",
                  absl::StrJoin(conflicts, "; ")));
}

Json NodeStateRenderer::Plugins(const Snapshot& snapshot) const {
  Json plugins = Json::array();
  for (const PluginStatus& plugin : snapshot.plugins) {
    if (plugins.size() == kMaxRows) break;
    Json entry = {{"name", plugin.name},
                  {"resourceName", plugin.resource_name},
                  {"phase", ToString(plugin.phase)},
                  {"since", Time(plugin.since)},
                  {"restarts", plugin.total_restarts()},
                  {"failures", plugin.failures}};
    if (plugin.pid != 0) entry["pid"] = plugin.pid;
    SetText(entry, "lastExit", plugin.last_exit);
    SetText(entry, "registrationError", RegistrationErrors(plugin));
    SetText(entry, "waitsFor", plugin.held_by);
    plugins.push_back(std::move(entry));
  }
  return plugins;
}

}  // namespace nodedevice
