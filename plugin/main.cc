// node-device-plugin: announces the devices of one or more plugin entries to the kubelet; or, with
// --observe, follows for the agent what the kubelet says about devices.

#include <malloc.h>
#include <signal.h>
#include <sys/prctl.h>

#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "lib/base/event_loop.h"
#include "lib/base/host_root.h"
#include "lib/base/log.h"
#include "lib/base/worker.h"
#include "plugin/discovery/registry.h"
#include "plugin/options.h"
#include "plugin/plugin.h"
#include "plugin/pod_resources_observer.h"
#include "plugin/process.h"
#include "plugin/report_pipe.h"

namespace nodedevice {
namespace {

int Observe(const PluginOptions& options) {
  ::prctl(PR_SET_NAME, "device-observer");  // what `ps` calls it: it is no plugin
  EventLoop loop;
  std::optional<ReportPipe> pipe;
  if (ReportPipe::IsPresent(kReportFd)) {
    pipe.emplace(loop, kReportFd, [&loop] {
      spdlog::warn("the agent is gone; stopping");
      loop.Stop();
    });
  }
  PodResourcesObserver observer(loop, KubeletPaths(options.kubelet_dir),
                                [&pipe](const KubeletReport& report) {
                                  if (pipe) {
                                    pipe->Send(ToLine(report));
                                  } else {
                                    std::cout << ToLine(report) << std::endl;
                                  }
                                });
  const SignalWatch signals(loop, {SIGTERM, SIGINT, SIGUSR1}, [&loop](int) { loop.Stop(); });
  observer.Start();
  loop.Run();
  return 0;
}

int Announce(const PluginOptions& options) {
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

int Main(int argc, const char* const* argv) {
  BlockSignals({SIGTERM, SIGINT, SIGUSR1});
  ::signal(SIGPIPE, SIG_IGN);
  // A process per resource and node: one arena is enough for the few threads there are.
  ::mallopt(M_ARENA_MAX, 1);
  // As distributions build absl, it looks for deadlocks among gRPC's mutexes, and its notes on them
  // grow with every connection.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  auto parsed = ParsePluginOptions(argc, argv);
  if (const int* exit_code = std::get_if<int>(&parsed)) return *exit_code;
  const PluginOptions options = std::get<PluginOptions>(std::move(parsed));
  const absl::Status log =
      ConfigureLog("node-device-plugin", options.log_format, options.log_level);
  if (!log.ok()) {
    std::cerr << log.message() << "\n";
    return 1;
  }
  return options.observe ? Observe(options) : Announce(options);
}

}  // namespace
}  // namespace nodedevice

int main(int argc, char** argv) { return nodedevice::Main(argc, argv); }
