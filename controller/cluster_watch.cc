#include "controller/cluster_watch.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "controller/ownership.h"
#include "lib/api/device_plugin_config.h"
#include "lib/base/log.h"

namespace nodedevice {
namespace {

using Json = nlohmann::json;

// The large parts of thousands of objects that nobody here reads.
void TrimNode(Json& node) {
  if (!node.is_object()) return;
  if (node.contains("metadata") && node["metadata"].is_object()) {
    node["metadata"].erase("managedFields");
  }
  if (node.contains("status") && node["status"].is_object()) {
    for (const char* key : {"images", "addresses", "capacity", "allocatable", "nodeInfo",
                            "volumesInUse", "volumesAttached", "daemonEndpoints", "config"}) {
      node["status"].erase(key);
    }
  }
}

void TrimState(Json& state) {
  if (!state.is_object()) return;
  if (state.contains("metadata") && state["metadata"].is_object()) {
    state["metadata"].erase("managedFields");
  }
  if (state.contains("status") && state["status"].is_object()) {
    for (const char* key : {"plugins", "unhealthyDevices", "pods"}) state["status"].erase(key);
  }
}

void TrimPod(Json& pod) {
  if (!pod.is_object()) return;
  if (pod.contains("metadata") && pod["metadata"].is_object()) {
    pod["metadata"].erase("managedFields");
  }
  if (pod.contains("spec") && pod["spec"].is_object()) {
    for (const char* key : {"containers", "volumes", "affinity", "tolerations"}) {
      pod["spec"].erase(key);
    }
  }
}

Watcher::Target TargetOf(ObjectKind kind, const std::string& name_space) {
  const std::string own = absl::StrCat("/apis/", kApiVersion, "/");
  const std::string machine_configuration = "/apis/machineconfiguration.openshift.io/v1/";
  const std::string configuration = "/apis/config.openshift.io/v1/";
  switch (kind) {
    case ObjectKind::kConfig:
      return {.path = own + "devicepluginconfigs"};
    case ObjectKind::kNode:
      return {.path = "/api/v1/nodes", .is_large = true, .trim = TrimNode};
    case ObjectKind::kState:
      return {.path = own + "nodedevicestates", .is_large = true, .trim = TrimState};
    case ObjectKind::kPod:
      return {.path = absl::StrCat("/api/v1/namespaces/", name_space, "/pods"),
              .selector = absl::StrCat("labelSelector=app.kubernetes.io/name=node-device-agent,",
                                       kConfigLabel),
              .is_large = true,
              .trim = TrimPod};
    case ObjectKind::kDaemonSet:
      return {.path = absl::StrCat("/apis/apps/v1/namespaces/", name_space, "/daemonsets"),
              .selector = absl::StrCat("labelSelector=", kManagedByLabel, "=", kManagedBy)};
    case ObjectKind::kPool:
      return {.path = machine_configuration + "machineconfigpools"};
    case ObjectKind::kKubeletConfig:
      return {.path = machine_configuration + "kubeletconfigs"};
    case ObjectKind::kMachineConfig:
      // Each may hold a megabyte of files.
      return {.path = machine_configuration + "machineconfigs",
              .is_large = true,
              .trim = [](Json& object) { object = ReadMachineConfig(object); }};
    case ObjectKind::kClusterVersion:
      return {.path = configuration + "clusterversions"};
    case ObjectKind::kInfrastructure:
      return {.path = configuration + "infrastructures"};
    case ObjectKind::kFeatureGate:
      return {.path = configuration + "featuregates"};
  }
  return {};
}

// Of an optional kind.
std::string GroupOf(ObjectKind kind) {
  return kind < ObjectKind::kClusterVersion ? "machineconfiguration.openshift.io"
                                            : "config.openshift.io";
}

std::string Explain(ObjectKind kind, const absl::Status& problem) {
  std::string text(problem.message());
  if (absl::IsNotFound(problem)) {
    absl::StrAppend(&text, "; the cluster does not know ", PluralOf(kind),
                    ": apply the files of crds/");
  } else if (absl::IsPermissionDenied(problem)) {
    absl::StrAppend(&text, "; the controller's ServiceAccount lacks its ClusterRole");
  }
  return absl::StrCat(PluralOf(kind), ": ", text);
}

}  // namespace

ClusterWatch::ClusterWatch(EventLoop& loop, Worker& worker, ApiClient& client,
                           const std::string& name_space, ClusterView& view, Callbacks callbacks,
                           std::uint32_t seed)
    : view_(view),
      callbacks_(std::move(callbacks)),
      discovery_(loop, worker, client,
                 [this](const ApiDiscovery::Groups& groups) { OnGroups(groups); }) {
  for (const ObjectKind kind : kObjectKinds) {
    AddWatcher(kind, TargetOf(kind, name_space), loop, worker, client,
               seed + static_cast<std::uint32_t>(kind));
  }
}

void ClusterWatch::AddWatcher(ObjectKind kind, Watcher::Target target, EventLoop& loop,
                              Worker& worker, ApiClient& client, std::uint32_t seed) {
  watchers_[kind] = std::make_unique<Watcher>(
      loop, worker, client, std::move(target),
      Watcher::Callbacks{
          .on_upsert = [this, kind](const Json& object) { Changed(view_.Upsert(kind, object)); },
          .on_remove = [this, kind](const std::string& key) { Changed(view_.Remove(kind, key)); },
          .on_synced = [this, kind] { Changed(view_.SetListed(kind)); },
          .on_problem = [this, kind](const absl::Status& problem) { OnProblem(kind, problem); }},
      seed);
}

void ClusterWatch::Start() {
  discovery_.Start();
  for (const auto& [kind, watcher] : watchers_) {
    if (!IsOptional(kind)) watcher->Start();
  }
}

void ClusterWatch::OnGroups(const ApiDiscovery::Groups& groups) {
  for (const auto& [kind, watcher] : watchers_) {
    // One that was started says itself when its kind goes.
    if (!IsOptional(kind) || started_.contains(kind)) continue;
    if (groups.contains(GroupOf(kind))) {
      started_.insert(kind);
      watcher->Start();
    } else {
      Changed(view_.SetAbsent(kind));
    }
  }
  Changed(view_.SetGroups(groups));
}

void ClusterWatch::OnProblem(ObjectKind kind, const absl::Status& problem) {
  if (IsOptional(kind) && absl::IsNotFound(problem)) {
    // This is no OpenShift.
    problems_.erase(kind);
    Changed(view_.SetAbsent(kind));
  } else if (problem.ok()) {
    problems_.erase(kind);
  } else {
    problems_[kind] = problem;
    spdlog::warn("{}", Explain(kind, problem));
  }
  callbacks_.on_problem();
}

std::vector<std::string> ClusterWatch::Problems() const {
  std::vector<std::string> texts;
  for (const auto& [kind, problem] : problems_) texts.push_back(Explain(kind, problem));
  return texts;
}

}  // namespace nodedevice
