#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/status.h"
#include "lib/kubelet/paths.h"

namespace nodedevice::devicemanager::conformance {

// "{kubelet-dir}", "{plugin-dir}", "{kubelet-socket}" and "{registry-dir}" in the words of a
// command line, replaced. Other braces stay as they are: a plugin's arguments may be JSON.
std::string Fill(std::string text, const KubeletPaths& paths);

// The variables that a plugin gets in any case: KUBELET_DIR, DEVICE_PLUGINS_DIR, KUBELET_SOCKET,
// KUBELET_PLUGINS_REGISTRY; and those of "NAME=VALUE" texts, filled in.
absl::StatusOr<std::map<std::string, std::string>> PluginEnvironment(
    const std::vector<std::string>& texts, const KubeletPaths& paths);

// The program as a shell finds it: a name without a slash is looked for in the folders of `path`,
// as PATH has them.
absl::StatusOr<std::string> FindProgram(const std::string& name, std::string_view path);

}  // namespace nodedevice::devicemanager::conformance
