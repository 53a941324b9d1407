#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "controller/observed.h"
#include "nlohmann/json.hpp"

namespace nodedevice {

// What the controller watches. The kinds from kPool on are OpenShift's: other clusters lack them.
enum class ObjectKind {
  kConfig,
  kNode,
  kState,
  kPod,
  kDaemonSet,
  kPool,
  kKubeletConfig,
  kMachineConfig,
  kClusterVersion,
  kInfrastructure,
  kFeatureGate
};
inline constexpr ObjectKind kObjectKinds[] = {
    ObjectKind::kConfig,         ObjectKind::kNode,
    ObjectKind::kState,          ObjectKind::kPod,
    ObjectKind::kDaemonSet,      ObjectKind::kPool,
    ObjectKind::kKubeletConfig,  ObjectKind::kMachineConfig,
    ObjectKind::kClusterVersion, ObjectKind::kInfrastructure,
    ObjectKind::kFeatureGate};
// Whether a cluster may do without it.
inline bool IsOptional(ObjectKind kind) { return kind >= ObjectKind::kPool; }
// "DevicePluginConfigs": for people.
std::string PluralOf(ObjectKind kind);

// The cluster as the watches have told it so far: an Observed that is kept up to date object by
// object, each list in order of the names. Pure; the loop's thread has it.
class ClusterView {
 public:
  // True when something is different now of what the controller thinks about.
  bool Upsert(ObjectKind kind, const nlohmann::json& object);
  // `key`: "name" or "namespace/name".
  bool Remove(ObjectKind kind, const std::string& key);

  // All that there is of this kind has been told, or, as far as there was ever a word of it, that
  // the cluster does not know the kind.
  bool SetListed(ObjectKind kind);
  bool SetAbsent(ObjectKind kind);

  // Which API groups the cluster serves.
  bool SetGroups(const std::set<std::string>& groups);

  // What the API said to a write of this object; empty: it took it.
  bool SetWriteProblem(const std::string& object, const std::string& problem);

  // What is not known yet: "Nodes". Nothing may be planned before that is empty. A cluster without
  // OpenShift's kinds is known, one without DevicePluginConfigs is not: they are to come.
  std::vector<std::string> Missing() const;

  // What is known so far; its time is that of the last At().
  const Observed& observed() const { return observed_; }
  // As of `now`.
  const Observed& At(WallSeconds now);

 private:
  std::vector<nlohmann::json>& ObjectsOf(ObjectKind kind);
  void UpdateOptional(ObjectKind kind);

  Observed observed_;
  // OpenShift's, by kind; absent: the cluster does not know the kind.
  std::map<ObjectKind, std::vector<nlohmann::json>> optional_;
  std::set<ObjectKind> absent_;
  std::set<ObjectKind> known_;
  bool groups_known_ = false;
};

}  // namespace nodedevice
