#pragma once

#include <string_view>

#include "nlohmann/json.hpp"

namespace nodedevice {

// True when the FeatureGate `cluster` (config.openshift.io/v1) switches this gate off, for any of
// the versions that the cluster has nodes of. A gate that it does not name is left to the kubelet.
// Any JSON gives an answer.
bool DisablesGate(const nlohmann::json& feature_gate, std::string_view name);

}  // namespace nodedevice
