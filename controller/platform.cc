#include "controller/platform.h"

#include <vector>

#include "absl/strings/str_join.h"

namespace nodedevice {

std::string ExplainPlatform(const Observed& observed) {
  std::vector<std::string> texts;
  if (observed.gate_is_disabled == true) {
    texts.emplace_back(
        "the FeatureGate cluster disables DevicePlugins, without which a kubelet of OpenShift 4.12 "
        "or older runs no Device Manager and one of 4.13 or 4.14 does not start: take it out of "
        "spec.customNoUpgrade.disabled");
  }
  if (observed.hosted_control_plane == true) {
    texts.emplace_back(
        "the control plane is hosted outside of this cluster (HyperShift): its kubelets are "
        "configured by the NodePool's spec.config, not from here");
  }
  return absl::StrJoin(texts, ". ");
}

}  // namespace nodedevice
