#include "controller/cluster_view.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "lib/kube/object_fields.h"
#include "lib/mco/feature_gate.h"

namespace nodedevice {
namespace {

using Json = nlohmann::json;

using ::nodedevice::NameOf;  // of an object
const std::string& NameOf(const ObservedNode& node) { return node.name; }
const std::string& NameOf(const ObservedState& state) { return state.name; }
const std::string& NameOf(const ObservedPod& pod) { return pod.name; }
template <typename T>
typename std::vector<T>::iterator Find(std::vector<T>& all, const std::string& name) {
  return std::lower_bound(
      all.begin(), all.end(), name,
      [](const T& one, const std::string& wanted) { return NameOf(one) < wanted; });
}

// A node's version changes with every heartbeat: it is kept, and alone is no reason to think again.
void TakeVersion(ObservedNode& node, const ObservedNode& next) {
  node.resource_version = next.resource_version;
}
template <typename T>
void TakeVersion(T&, const T&) {}

template <typename T>
bool Put(std::vector<T>& all, T next) {
  const auto at = Find(all, NameOf(next));
  if (at == all.end() || NameOf(*at) != NameOf(next)) {
    all.insert(at, std::move(next));
    return true;
  }
  TakeVersion(*at, next);
  if (*at == next) return false;
  *at = std::move(next);
  return true;
}

template <typename T>
bool Erase(std::vector<T>& all, const std::string& name) {
  const auto at = Find(all, name);
  if (at == all.end() || NameOf(*at) != name) return false;
  all.erase(at);
  return true;
}

Json WithoutManagedFields(Json object) {
  if (ValueAt(object, "/metadata").is_object()) object["metadata"].erase("managedFields");
  return object;
}

// What is kept of an object. Of managedFields that is what its reader leaves: the controller's own
// entries tell which label of a pool is its own, and when it wrote an object last.
Json Read(ObjectKind kind, const Json& object) {
  switch (kind) {
    case ObjectKind::kPool:
      return ReadMachineConfigPool(object);
    case ObjectKind::kKubeletConfig:
      return ReadKubeletConfig(object);
    case ObjectKind::kMachineConfig:
      return ReadMachineConfig(object);
    default:
      return WithoutManagedFields(object);
  }
}

// Without what changes with every write and is never looked at.
Json Reduced(ObjectKind kind, const Json& object) {
  Json reduced = Read(kind, object);
  if (ValueAt(reduced, "/metadata").is_object()) reduced["metadata"].erase("resourceVersion");
  return reduced;
}

// The object of that name; null: there is none.
const Json& Named(const std::vector<Json>& objects, const std::string& name) {
  static const Json none;
  const auto found =
      std::ranges::find_if(objects, [&](const Json& object) { return NameOf(object) == name; });
  return found == objects.end() ? none : *found;
}

}  // namespace

std::string PluralOf(ObjectKind kind) {
  switch (kind) {
    case ObjectKind::kConfig:
      return "DevicePluginConfigs";
    case ObjectKind::kNode:
      return "Nodes";
    case ObjectKind::kState:
      return "NodeDeviceStates";
    case ObjectKind::kPod:
      return "Pods";
    case ObjectKind::kDaemonSet:
      return "DaemonSets";
    case ObjectKind::kPool:
      return "MachineConfigPools";
    case ObjectKind::kKubeletConfig:
      return "KubeletConfigs";
    case ObjectKind::kMachineConfig:
      return "MachineConfigs";
    case ObjectKind::kClusterVersion:
      return "ClusterVersions";
    case ObjectKind::kInfrastructure:
      return "Infrastructures";
    case ObjectKind::kFeatureGate:
      return "FeatureGates";
  }
  return "";
}

std::vector<Json>& ClusterView::ObjectsOf(ObjectKind kind) {
  switch (kind) {
    case ObjectKind::kConfig:
      return observed_.configs;
    case ObjectKind::kDaemonSet:
      return observed_.daemon_sets;
    default:
      return optional_[kind];
  }
}

bool ClusterView::Upsert(ObjectKind kind, const Json& object) {
  switch (kind) {
    case ObjectKind::kNode:
      return Put(observed_.nodes, ReadNode(object));
    case ObjectKind::kState:
      return Put(observed_.states, ReadState(object));
    case ObjectKind::kPod:
      return Put(observed_.pods, ReadPod(object));
    default:
      if (!Put(ObjectsOf(kind), Reduced(kind, object))) return false;
      UpdateOptional(kind);
      return true;
  }
}

bool ClusterView::Remove(ObjectKind kind, const std::string& key) {
  const std::string name = key.substr(key.rfind('/') + 1);  // npos + 1 is 0
  switch (kind) {
    case ObjectKind::kNode:
      return Erase(observed_.nodes, name);
    case ObjectKind::kState:
      return Erase(observed_.states, name);
    case ObjectKind::kPod:
      return Erase(observed_.pods, name);
    default:
      if (!Erase(ObjectsOf(kind), name)) return false;
      UpdateOptional(kind);
      return true;
  }
}

bool ClusterView::SetListed(ObjectKind kind) {
  const bool is_new = known_.insert(kind).second;
  const bool is_back = absent_.erase(kind) > 0;
  UpdateOptional(kind);
  return is_new || is_back;
}

bool ClusterView::SetAbsent(ObjectKind kind) {
  if (!IsOptional(kind)) return false;
  const bool is_new = known_.insert(kind).second;
  const bool was_there = absent_.insert(kind).second;
  optional_.erase(kind);
  UpdateOptional(kind);
  return is_new || was_there;
}

void ClusterView::UpdateOptional(ObjectKind kind) {
  if (!IsOptional(kind)) return;
  const bool is_there = known_.contains(kind) && !absent_.contains(kind);
  const std::vector<Json>& objects = optional_[kind];
  const auto list = is_there ? std::optional<Json>(Json(objects)) : std::nullopt;
  switch (kind) {
    case ObjectKind::kPool:
      observed_.pools = list;
      break;
    case ObjectKind::kKubeletConfig:
      observed_.kubelet_configs = list;
      break;
    case ObjectKind::kMachineConfig:
      observed_.machine_configs = list;
      break;
    case ObjectKind::kClusterVersion: {
      const Json& version = Named(objects, "version");
      observed_.cluster_version.reset();
      if (!version.is_null()) observed_.cluster_version = ReadClusterVersion(version);
      break;
    }
    case ObjectKind::kInfrastructure: {
      const Json& cluster = Named(objects, "cluster");
      observed_.hosted_control_plane.reset();
      if (!cluster.is_null()) observed_.hosted_control_plane = HasHostedControlPlane(cluster);
      break;
    }
    case ObjectKind::kFeatureGate: {
      const Json& cluster = Named(objects, "cluster");
      observed_.gate_is_disabled.reset();
      if (!cluster.is_null()) observed_.gate_is_disabled = DisablesGate(cluster, "DevicePlugins");
      break;
    }
    default:
      break;
  }
}

bool ClusterView::SetGroups(const std::set<std::string>& groups) {
  const bool has_scc = groups.contains("security.openshift.io");
  const bool is_new = !std::exchange(groups_known_, true);
  return std::exchange(observed_.has_scc, has_scc) != has_scc || is_new;
}

bool ClusterView::SetWriteProblem(const std::string& object, const std::string& problem) {
  if (problem.empty()) return observed_.write_problems.erase(object) > 0;
  std::string& known = observed_.write_problems[object];
  return std::exchange(known, problem) != problem;
}

std::vector<std::string> ClusterView::Missing() const {
  std::vector<std::string> missing;
  for (const ObjectKind kind : kObjectKinds) {
    if (!known_.contains(kind)) missing.push_back(PluralOf(kind));
  }
  if (!groups_known_) missing.emplace_back("API groups");
  return missing;
}

const Observed& ClusterView::At(WallSeconds now) {
  observed_.now = now;
  return observed_;
}

}  // namespace nodedevice
