#include "devicemanager/conformance/options.h"

namespace nodedevice::devicemanager::conformance {

CLI::App* AddSubcommand(CLI::App& app, RunOptions* options) {
  CLI::App* command = app.add_subcommand(
      "conformance", "check a device plugin of whatever language against a kubelet's rules");
  command->description(
      "Starts a device plugin in a folder of its own, plays the kubelet for about a minute, and "
      "says\n"
      "of each rule whether it holds. No cluster, no kubelet, no root:\n"
      "  device-manager conformance -- ./my-plugin --kubelet-dir {kubelet-dir}\n"
      "In the plugin's words {kubelet-dir} stands for /var/lib/kubelet, {plugin-dir} for its "
      "folder\n"
      "device-plugins, {kubelet-socket} for kubelet.sock in there and {registry-dir} for the "
      "folder\n"
      "plugins_registry; the variables KUBELET_DIR, DEVICE_PLUGINS_DIR, KUBELET_SOCKET and\n"
      "KUBELET_PLUGINS_REGISTRY say the same. It registers in one of the two ways. Allocate is "
      "really\n"
      "called: use devices that nobody else needs now.\n"
      "Exit code: 0, whatever must hold holds; 1, something does not; 2, the plugin never started\n"
      "or never registered, or wrong usage.");
  command->add_option("plugin", options->plugin, "after --: the plugin's program and its arguments")
      ->required();
  command->add_flag("--json", options->json, "print the report as JSON");
  command->add_option("--junit", options->junit, "also write it to this file, as JUnit's XML");
  command->add_option("--log", options->log,
                      "append the plugin's output to this file instead of a new one");
  command
      ->add_option("--only", options->only,
                   "play and judge one topic only, such as restart; may be given again")
      ->allow_extra_args(false);
  command
      ->add_option("--env", options->env, "NAME=VALUE for the plugin's environment; again for more")
      ->allow_extra_args(false);
  command->add_option(
      "--kubelet-dir", options->kubelet_dir,
      "use this folder, for a plugin whose paths cannot be changed; refused while a "
      "kubelet answers in it");
  command->add_option(
      "--device", options->device,
      "a device node (or file) that the plugin announces: it is moved aside and put "
      "back, to see both listed");
  command
      ->add_option("--registrations", options->registrations,
                   "how often to register while its size is watched (default: what fits in 20 s)")
      ->check(CLI::Range(1, 1000000));
  command
      ->add_option("--patience", options->patience_seconds,
                   "seconds to wait for what does not come")
      ->capture_default_str()
      ->check(CLI::Range(0.1, 3600.0));
  command
      ->add_option("--start-timeout", options->start_seconds, "seconds to wait until it registers")
      ->capture_default_str()
      ->check(CLI::Range(0.1, 3600.0));
  return command;
}

}  // namespace nodedevice::devicemanager::conformance
