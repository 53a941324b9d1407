// fake-mco: OpenShift's Machine Config Operator, as FakeMco plays it, beside an API server that has
// the custom resources of tests/cluster/openshift.
//
//   fake-mco --kubeconfig FILE [--version 5.0] [--render-delay MS] [--update-time MS]
//            [--hook COMMAND]

#include <signal.h>

#include <cstdio>
#include <memory>
#include <optional>
#include <random>
#include <string>

#include "CLI/CLI.hpp"
#include "lib/base/event_loop.h"
#include "lib/base/log.h"
#include "lib/base/worker.h"
#include "lib/kube/api_client.h"
#include "tests/support/fake_mco_hook.h"
#include "tests/support/fake_mco_operator.h"

namespace nodedevice::testing {
namespace {

struct ProgramOptions {
  std::string kubeconfig;
  std::string version = "5.0";
  int render_delay = 5000;  // milliseconds, as the others
  int update_time = 6000;
  int wall_behind = 0;  // seconds
  std::string hook;
  std::string log_level = "info";
};

void AddTo(CLI::App& app, ProgramOptions& options) {
  app.add_option("--kubeconfig", options.kubeconfig, "how to reach the API server")
      ->type_name("FILE")
      ->required();
  app.add_option("--version", options.version, "the OpenShift to play")
      ->check(CLI::IsMember({"4.21", "4.22", "5.0"}))
      ->capture_default_str();
  app.add_option("--render-delay", options.render_delay,
                 "from a change to the pool's new target, and from there to its status")
      ->type_name("MS")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--update-time", options.update_time, "of a node, at least")
      ->type_name("MS")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--clock-behind", options.wall_behind,
                 "dates what it says so much earlier, so that nobody waits whether that was all")
      ->type_name("SECONDS")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--hook", options.hook,
                 "shell command to bring a node to another configuration; it is given the node's "
                 "name and a file with the rendered MachineConfig as JSON, and the node is Done "
                 "when it has ended with 0, else Degraded")
      ->type_name("COMMAND");
  app.add_option("--log-level", options.log_level, "debug, info, warn or error")
      ->capture_default_str();
}

int Fail(const absl::Status& status) {
  std::fprintf(stderr, "fake-mco: %s\n", std::string(status.message()).c_str());
  return 1;
}

int Run(const ProgramOptions& options) {
  if (const absl::Status status = ConfigureLog("fake-mco", "text", options.log_level);
      !status.ok()) {
    return Fail(status);
  }
  const absl::StatusOr<ClusterAccess> access = AccessFromKubeconfig(options.kubeconfig);
  if (!access.ok()) return Fail(access.status());
  const absl::StatusOr<std::unique_ptr<ApiClient>> client =
      ApiClient::Create(*access, {.user_agent = "fake-mco"});
  if (!client.ok()) return Fail(client.status());

  FakeMco::Options mco;
  mco.version = *mco::OpenShiftNamed(options.version);
  mco.render_delay = mco.status_delay = std::chrono::milliseconds(options.render_delay);
  mco.update_time = std::chrono::milliseconds(options.update_time);
  mco.wall_behind = std::chrono::seconds(options.wall_behind);
  EventLoop loop;
  Worker worker;
  FakeMcoHook runner(loop, options.hook);
  FakeMcoOperator::Hook hook;
  if (!options.hook.empty()) {
    hook = [&runner](const mco::NodeUpdate& update, std::function<void(std::string)> done) {
      runner.Run(update, std::move(done));
    };
  }
  FakeMcoOperator fake(loop, worker, **client, mco, std::move(hook), std::random_device()());
  const SignalWatch signals(loop, {SIGTERM, SIGINT, SIGCHLD}, [&](int signal) {
    if (signal == SIGCHLD) return runner.Reap();
    loop.Stop();
  });
  fake.Start();
  spdlog::info("OpenShift {} at {}", options.version, access->server);
  loop.Run();
  (*client)->Shutdown();
  return 0;
}

int Main(int argc, char** argv) {
  BlockSignals({SIGTERM, SIGINT, SIGCHLD});
  CLI::App app("OpenShift's Machine Config Operator for tests", "fake-mco");
  ProgramOptions options;
  AddTo(app, options);
  CLI11_PARSE(app, argc, argv);
  return Run(options);
}

}  // namespace
}  // namespace nodedevice::testing

int main(int argc, char** argv) { return nodedevice::testing::Main(argc, argv); }
