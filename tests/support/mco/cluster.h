#pragma once

#include <map>
#include <string>
#include <vector>

#include "lib/base/clock.h"
#include "lib/kube/api_time.h"
#include "nlohmann/json.hpp"

// What the controllers of the fake Machine Config Operator see of a cluster, and what they do to
// it.
namespace nodedevice::testing::mco {

inline constexpr char kGroupVersion[] = "machineconfiguration.openshift.io/v1";
inline constexpr char kKubeletConfigs[] =
    "/apis/machineconfiguration.openshift.io/v1/kubeletconfigs";
inline constexpr char kMachineConfigs[] =
    "/apis/machineconfiguration.openshift.io/v1/machineconfigs";
inline constexpr char kPools[] = "/apis/machineconfiguration.openshift.io/v1/machineconfigpools";
inline constexpr char kNodes[] = "/api/v1/nodes";

inline constexpr char kRoleLabel[] = "machineconfiguration.openshift.io/role";
inline constexpr char kSuffixAnnotation[] = "machineconfiguration.openshift.io/mc-name-suffix";
inline constexpr char kCurrentConfig[] = "machineconfiguration.openshift.io/currentConfig";
inline constexpr char kDesiredConfig[] = "machineconfiguration.openshift.io/desiredConfig";
inline constexpr char kState[] = "machineconfiguration.openshift.io/state";
inline constexpr char kReason[] = "machineconfiguration.openshift.io/reason";

// All objects of the four kinds, as a list of them shows them.
struct Cluster {
  std::vector<nlohmann::json> kubelet_configs = {};
  std::vector<nlohmann::json> machine_configs = {};
  std::vector<nlohmann::json> pools = {};
  std::vector<nlohmann::json> nodes = {};
};

// Delays are measured by one clock, and written into objects by the other.
struct Moment {
  TimePoint now;
  WallSeconds wall;
};

struct Write {
  enum class Kind {
    kCreate,  // POST of `body` to the collection `path`
    kPatch,   // JSON merge patch
    kDelete,
  };
  Kind kind = Kind::kPatch;
  std::string path = {};  // of the status as well: ".../devicemgr/status"
  nlohmann::json body = nullptr;

  bool operator==(const Write&) const = default;
};
using Writes = std::vector<Write>;

std::string NameOf(const nlohmann::json& object);
std::string PathOf(const char* collection, const nlohmann::json& object);
// The annotation's value; empty when there is none.
std::string AnnotationOf(const nlohmann::json& object, const char* key);
// nullptr: there is none.
const nlohmann::json* Find(const std::vector<nlohmann::json>& objects, const std::string& name);

Write Create(const char* collection, nlohmann::json object);
Write Patch(const char* collection, const nlohmann::json& object, nlohmann::json patch);
Write PatchStatus(const char* collection, const nlohmann::json& object, nlohmann::json status);
Write Delete(const char* collection, const std::string& name);

}  // namespace nodedevice::testing::mco
