#include "agent/options.h"

#include <limits.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "CLI/CLI.hpp"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "lib/kubelet/paths.h"
#include "lib/service/tls_flags.h"

namespace nodedevice {
namespace {

// What a kubelet calls its node unless it is told otherwise.
std::string HostName() {
  std::array<char, HOST_NAME_MAX + 1> name = {};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "";
  return absl::AsciiStrToLower(name.data());
}

// Empty for what the API may take as the name of a node or a configuration; a path is made of it.
std::string ProblemOfName(const std::string& name) {
  constexpr std::size_t kMaxName = 253;
  const bool good =
      name.size() <= kMaxName && std::ranges::all_of(name, [](unsigned char c) {
        return absl::ascii_islower(c) || absl::ascii_isdigit(c) || c == '-' || c == '.';
      });
  return good ? ""
              : absl::StrCat(
                    "a name is made of lower case letters, digits, '-' and '.', and has "
                    "at most ",
                    kMaxName, " of them; is '", name, "'");
}

// Where the configuration comes from, and who asks for it.
void AddConfigOptions(CLI::App& app, AgentOptions& options) {
  CLI::Option_group* source = app.add_option_group("configuration", "one of these");
  CLI::Option* file = source
                          ->add_option("--config", options.config,
                                       "DevicePluginConfig file; read again when it changes")
                          ->type_name("FILE");
  CLI::Option* object =
      source
          ->add_option("--config-name", options.config_name,
                       "the DevicePluginConfig of this name in the Kubernetes API; what the agent "
                       "sees goes there as NodeDeviceState and Events")
          ->type_name("NAME")
          ->check(ProblemOfName);
  source->require_option(1);
  app.add_option("--kubeconfig", options.kubeconfig,
                 "how to reach the API; without it as a pod, by its ServiceAccount")
      ->type_name("FILE")
      ->needs(object)
      ->excludes(file);
  app.add_option("--node-name", options.node_name, "this node's name in the API")
      ->type_name("NAME")
      ->envname("NODE_NAME")
      ->check(ProblemOfName)
      ->capture_default_str();
  app.add_option("--pod-name", options.pod_name, "this pod's name, for NodeDeviceState and Events")
      ->type_name("NAME")
      ->envname("POD_NAME");
}

}  // namespace

std::variant<AgentOptions, EarlyExit> ParseAgentOptions(int argc, const char* const* argv,
                                                        const std::filesystem::path& own_binary) {
  AgentOptions options;
  options.kubelet_dir = kDefaultKubeletDir;
  options.node_name = HostName();
  options.plugin_binary = own_binary.parent_path() / "node-device-plugin";

  CLI::App app(
      "Runs this node's device plugins as a DevicePluginConfig asks for, and says how they "
      "are.");
  app.set_version_flag("--version", "node-device-agent " NODEDEVICE_VERSION);
  AddConfigOptions(app, options);
  app.add_option("--host-root", options.host_root,
                 "stands before every /dev, /sys, /proc, /etc and /run path")
      ->type_name("DIR")
      ->capture_default_str();
  app.add_option("--kubelet-dir", options.kubelet_dir, "the folder of device-plugins/kubelet.sock")
      ->type_name("DIR")
      ->capture_default_str();
  app.add_option("--listen", options.listen,
                 "where /metrics, /healthz, /readyz and the page are served; without --tls-cert "
                 "loopback only")
      ->type_name("ADDRESS:PORT")
      ->capture_default_str();
  AddTlsFlags(app, options.https);
  app.add_option("--plugin-binary", options.plugin_binary, "the node-device-plugin to run")
      ->type_name("FILE")
      ->capture_default_str();
  app.add_flag("--check", options.check,
               "validate the configuration file and exit: 0, or 1 with every error")
      ->needs("--config");
  AddLogFlags(app, options.log_format, options.log_level);
  if (std::optional<EarlyExit> exit = ParseCommandLine(app, argc, argv)) return *std::move(exit);
  return options;
}

}  // namespace nodedevice
