#include "tests/support/mco/refused_fields.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "lib/kube/object_fields.h"

namespace nodedevice::testing::mco {
namespace {

using Json = nlohmann::json;

// As Go prints values: text bare, a list as [a b], a map as map[a:1 b:2] in order of its keys.
std::string GoText(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (!value.is_array() && !value.is_object()) return value.dump();
  std::vector<std::string> parts;
  for (const auto& [key, element] : value.items()) {
    parts.push_back(value.is_array() ? GoText(element) : absl::StrCat(key, ":", GoText(element)));
  }
  return absl::StrCat(value.is_object() ? "map" : "", "[", absl::StrJoin(parts, " "), "]");
}

// null and what is empty in Go, where it means that nothing is said.
bool IsEmpty(const Json& value) {
  return value.empty() || (value.is_string() && value.get<std::string>().empty());
}

std::string NotAllowed(const char* field, const Json& value) {
  return absl::StrCat("KubeletConfiguration: ", field,
                      " is not allowed to be set, but contains: ", GoText(value));
}

bool IsControlPlane(const std::string& pool) { return pool == "master" || pool == "arbiter"; }

std::optional<std::string> RefusalOfLogLevel(const Json& config) {
  const Json& level = ValueAt(config, "/spec/logLevel");
  if (!level.is_number_integer() || (level >= 0 && level <= 10)) return std::nullopt;
  return absl::StrCat("KubeletConfig's LogLevel is not valid [0,10]: ", level.dump());
}

}  // namespace

std::optional<std::string> RefusalOf(const Json& config, OpenShift version,
                                     const std::vector<std::string>& pools) {
  if (const auto refusal = RefusalOfLogLevel(config)) return refusal;
  const Json& kubelet = ValueAt(config, "/spec/kubeletConfig");
  for (const char* field : {"cgroupDriver", "clusterDNS", "clusterDomain", "featureGates"}) {
    const Json& value = ValueAt(kubelet, absl::StrCat("/", field).c_str());
    if (!IsEmpty(value)) return NotAllowed(field, value);
  }
  const Json& static_pods = ValueAt(kubelet, "/staticPodPath");
  const bool refused_by_key = version >= OpenShift::k5_0 && static_pods.is_string() &&
                              std::ranges::any_of(pools, IsControlPlane);
  if (!IsEmpty(static_pods) || refused_by_key) return NotAllowed("staticPodPath", static_pods);
  const Json& swap = ValueAt(kubelet, "/failSwapOn");
  if (!swap.is_null()) return NotAllowed("failSwapOn", swap);
  const Json& behavior = ValueAt(kubelet, "/memorySwap/swapBehavior");
  if (!IsEmpty(behavior)) return NotAllowed("swapBehavior", behavior);
  if (ValueAt(config, "/spec/autoSizingReserved") == true &&
      !IsEmpty(ValueAt(kubelet, "/systemReserved"))) {
    return "KubeletConfiguration: autoSizingReserved and systemdReserved cannot be set together";
  }
  const std::string reserved = TextAt(kubelet, "/systemReservedCgroup");
  const std::string cgroups = TextAt(kubelet, "/systemCgroups");
  if (version >= OpenShift::k4_22 && !reserved.empty() && !cgroups.empty() && reserved != cgroups) {
    return absl::StrCat("KubeletConfiguration: systemReservedCgroup (", reserved,
                        ") must match systemCgroups (", cgroups, ")");
  }
  return std::nullopt;
}

}  // namespace nodedevice::testing::mco
