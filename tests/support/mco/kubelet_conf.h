#pragma once

#include <string>

#include "nlohmann/json.hpp"

namespace nodedevice::testing::mco {

// /etc/kubernetes/kubelet.conf of a pool's nodes: the operator's defaults with `kubeletConfig` of a
// KubeletConfig over them (null: without). A whole file each time: nothing is kept of another
// KubeletConfig. A key that a kubelet does not know, such as `feature-gates`, vanishes. Written as
// JSON, which is YAML, too.
std::string KubeletConf(const nlohmann::json& kubelet_config);

}  // namespace nodedevice::testing::mco
