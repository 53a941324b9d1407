#include "lib/mco/refused_fields.h"

#include "lib/kube/object_fields.h"

namespace nodedevice {
namespace {

using Json = nlohmann::json;

constexpr int kHighestLogLevel = 10;

// As a Go program sees it, for which an empty field is one that is not there.
bool IsSet(const Json& value) {
  if (value.is_string()) return !value.get_ref<const std::string&>().empty();
  return !value.empty();  // null is empty, too
}

}  // namespace

std::vector<std::string> RefusedFields(const Json& kubelet_config) {
  const Json& spec = ValueAt(kubelet_config, "/spec");
  const Json& kubelet = ValueAt(spec, "/kubeletConfig");
  std::vector<std::string> fields;
  // staticPodPath and the first four always, failSwapOn and swapBehavior since 4.21,
  // runtimeRequestTimeout up to 4.10.
  for (const char* name : {"cgroupDriver", "clusterDNS", "clusterDomain", "featureGates",
                           "staticPodPath", "failSwapOn", "runtimeRequestTimeout"}) {
    if (kubelet.is_object() && kubelet.contains(name) && IsSet(kubelet[name])) {
      fields.push_back(std::string("spec.kubeletConfig.") + name);
    }
  }
  if (IsSet(ValueAt(kubelet, "/memorySwap/swapBehavior"))) {
    fields.emplace_back("spec.kubeletConfig.memorySwap.swapBehavior");
  }
  if (ValueAt(spec, "/autoSizingReserved") == true && IsSet(ValueAt(kubelet, "/systemReserved"))) {
    fields.emplace_back("spec.autoSizingReserved beside spec.kubeletConfig.systemReserved");
  }
  const Json& reserved = ValueAt(kubelet, "/systemReservedCgroup");
  if (IsSet(reserved) && reserved != ValueAt(kubelet, "/systemCgroups")) {
    fields.emplace_back("spec.kubeletConfig.systemReservedCgroup unlike systemCgroups");
  }
  if (const Json& level = ValueAt(spec, "/logLevel");
      level.is_number() && (level < 0 || level > kHighestLogLevel)) {
    fields.emplace_back("spec.logLevel");
  }
  return fields;
}

}  // namespace nodedevice
