// node-device-plugin: announces the devices of one or more plugin entries to the kubelet.

#include <malloc.h>
#include <signal.h>

#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "lib/base/event_loop.h"
#include "lib/base/host_root.h"
#include "lib/base/log.h"
#include "lib/base/worker.h"
#include "plugin/discovery/registry.h"
#include "plugin/options.h"
#include "plugin/plugin.h"
#include "plugin/process.h"

namespace nodedevice {
namespace {

int Main(int argc, const char* const* argv) {
  BlockSignals({SIGTERM, SIGINT, SIGUSR1});
  ::signal(SIGPIPE, SIG_IGN);
  // A process per resource and node: one arena is enough for the few threads there are.
  ::mallopt(M_ARENA_MAX, 1);
  auto parsed = ParsePluginOptions(argc, argv);
  if (const int* exit_code = std::get_if<int>(&parsed)) return *exit_code;
  const PluginOptions options = std::get<PluginOptions>(std::move(parsed));
  const absl::Status log =
      ConfigureLog("node-device-plugin", options.log_format, options.log_level);
  if (!log.ok()) {
    std::cerr << log.message() << "\n";
    return 1;
  }

  const HostRoot host(options.host_root);
  EventLoop loop;
  PluginProcess process(loop, host, KubeletPaths(options.kubelet_dir));
  for (const PluginSpec& spec : options.plugins) {
    auto source = MakeSource(spec, host);
    if (!source.ok()) {
      spdlog::error("--plugin {}: {}", spec.name, std::string(source.status().message()));
      return 1;
    }
    process.Add(spec, *std::move(source));
  }
  const SignalWatch signals(loop, {SIGTERM, SIGINT, SIGUSR1}, [&process](int signal) {
    process.Stop(/*withdraw=*/signal == SIGUSR1);
  });
  process.Start();
  loop.Run();
  return 0;
}

}  // namespace
}  // namespace nodedevice

int main(int argc, char** argv) { return nodedevice::Main(argc, argv); }
