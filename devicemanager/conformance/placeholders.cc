#include "devicemanager/conformance/placeholders.h"

#include <unistd.h>

#include <filesystem>

#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"

namespace nodedevice::devicemanager::conformance {

std::string Fill(std::string text, const KubeletPaths& paths) {
  absl::StrReplaceAll({{"{kubelet-dir}", paths.root().native()},
                       {"{plugin-dir}", paths.device_plugins().native()},
                       {"{kubelet-socket}", paths.registration_socket().native()},
                       {"{registry-dir}", paths.plugins_registry().native()}},
                      &text);
  return text;
}

absl::StatusOr<std::map<std::string, std::string>> PluginEnvironment(
    const std::vector<std::string>& texts, const KubeletPaths& paths) {
  std::map<std::string, std::string> environment = {
      {"KUBELET_DIR", paths.root()},
      {"DEVICE_PLUGINS_DIR", paths.device_plugins()},
      {"KUBELET_SOCKET", paths.registration_socket()},
      {"KUBELET_PLUGINS_REGISTRY", paths.plugins_registry()}};
  for (const std::string& text : texts) {
    const std::size_t equals = text.find('=');
    if (equals == 0 || equals == std::string::npos) {
      return absl::InvalidArgumentError(absl::StrCat("--env: '", text, "' is not NAME=VALUE"));
    }
    environment[text.substr(0, equals)] = Fill(text.substr(equals + 1), paths);
  }
  return environment;
}

absl::StatusOr<std::string> FindProgram(const std::string& name, std::string_view path) {
  if (name.find('/') != std::string::npos) return name;
  const std::vector<std::string> folders =
      absl::StrSplit(absl::string_view(path.data(), path.size()), ':');
  for (const std::string& folder : folders) {
    const std::filesystem::path program =
        std::filesystem::path(folder.empty() ? "." : folder) / name;
    std::error_code error;
    if (std::filesystem::is_regular_file(program, error) && ::access(program.c_str(), X_OK) == 0) {
      return program.native();
    }
  }
  return absl::NotFoundError(absl::StrCat("cannot start ", name, ": it is in no folder of PATH"));
}

}  // namespace nodedevice::devicemanager::conformance
