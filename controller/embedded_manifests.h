#pragma once

#include <string_view>

namespace nodedevice {

// operator-manifests/operand/daemonset.yaml as it was when this program was built.
std::string_view AgentDaemonSetYaml();

}  // namespace nodedevice
