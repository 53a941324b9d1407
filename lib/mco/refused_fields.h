#pragma once

#include <string>
#include <vector>

#include "nlohmann/json.hpp"

namespace nodedevice {

// The fields of a KubeletConfig for which the machine-config-operator of some version of OpenShift
// refuses it, as paths: "spec.kubeletConfig.featureGates". A KubeletConfig that is refused stops
// its pools (FreezesPool), and neither the API's schema nor a dry run knows of it. Any JSON gives
// an answer.
std::vector<std::string> RefusedFields(const nlohmann::json& kubelet_config);

}  // namespace nodedevice
