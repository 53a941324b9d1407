#include "plugin/options.h"

#include <iostream>

#include "CLI/CLI.hpp"
#include "lib/kubelet/paths.h"

namespace nodedevice {
namespace {

// Adds the entry in `text` to `options`; what is wrong with it is printed.
bool AddPlugin(const std::string& text, PluginOptions* options) {
  const nlohmann::json entry = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (entry.is_discarded()) {
    std::cerr << "--plugin: not JSON: " << text.substr(0, 200) << "\n";
    return false;
  }
  // Whoever starts a plugin by hand owns the host; the agent has checked its entries before.
  Parsed<PluginSpec> parsed = ParsePluginSpec(entry, HostPathPolicy::kAny);
  if (!parsed.ok()) {
    std::cerr << "--plugin:\n" << ToString(parsed.errors) << "\n";
    return false;
  }
  for (const PluginSpec& other : options->plugins) {
    if (other.resource_name == parsed.value.resource_name) {
      std::cerr << "--plugin: " << other.resource_name << " is announced by two entries, '"
                << other.name << "' and '" << parsed.value.name << "'\n";
      return false;
    }
  }
  options->plugins.push_back(std::move(parsed.value));
  return true;
}

}  // namespace

std::variant<PluginOptions, int> ParsePluginOptions(int argc, const char* const* argv) {
  PluginOptions options;
  std::vector<std::string> plugins;
  options.host_root = "/";
  options.kubelet_dir = kDefaultKubeletDir;
  options.log_format = "text";
  options.log_level = "info";
  CLI::App app(
      "Announces devices of this host to its kubelet and hands them to containers.\n"
      "node-device-agent starts one for each entry of a DevicePluginConfig; by hand:\n"
      "  node-device-plugin --plugin '{\"name\":\"fuse\",\"resourceName\":\"example.com/fuse\","
      "\"paths\":{\"groups\":[{\"paths\":[{\"path\":\"/dev/fuse\"}]}]}}'\n"
      "SIGTERM ends it and keeps the node's capacity for a restart (5 minutes); SIGUSR1 takes the\n"
      "devices back from the kubelet first.");
  CLI::Option* plugin =
      app.add_option("--plugin", plugins, "an entry of spec.plugins, as JSON; may be repeated");
  app.add_flag("--observe", options.observe,
               "announce nothing: ask the kubelet which devices it accepts and which pods hold "
               "them, for the agent; by hand, prints a line of JSON at each change")
      ->excludes(plugin);
  app.add_option("--host-root", options.host_root, "stands before every path read from the host")
      ->capture_default_str();
  app.add_option("--kubelet-dir", options.kubelet_dir,
                 "holds device-plugins/ with the kubelet's socket")
      ->capture_default_str();
  app.add_option("--log-format", options.log_format, "text or json")->capture_default_str();
  app.add_option("--log-level", options.log_level, "debug, info, warn or error")
      ->capture_default_str();
  app.set_version_flag("--version", NODEDEVICE_VERSION);
  try {
    app.parse(argc, argv);
    if (plugins.empty() && !options.observe) throw CLI::RequiredError("--plugin or --observe");
  } catch (const CLI::ParseError& error) {
    return app.exit(error);
  }
  for (const std::string& text : plugins) {
    if (!AddPlugin(text, &options)) return 1;
  }
  options.kubelet_dir = std::filesystem::absolute(options.kubelet_dir);
  return options;
}

}  // namespace nodedevice
