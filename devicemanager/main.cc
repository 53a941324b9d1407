// device-manager: a kubelet's Device Manager without a kubelet, for laptops and CI.

#include <malloc.h>

#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/synchronization/mutex.h"
#include "devicemanager/checkpoint_report.h"
#include "devicemanager/commands.h"
#include "devicemanager/conformance/options.h"
#include "devicemanager/control.h"
#include "devicemanager/kubelet_folder.h"
#include "devicemanager/numa_nodes.h"
#include "devicemanager/server.h"
#include "devicemanager/status_report.h"
#include "lib/base/file.h"
#include "lib/base/log.h"

namespace nodedevice::devicemanager {
namespace {

struct Options {
  std::string kubelet_dir;
  std::string log_format = "text";
  std::string log_level = "info";
  bool json = false;
  std::vector<std::string> waits;
  double timeout_seconds = 30;
  double down_seconds = 0.5;  // what a kubelet was seen to take
  std::string manifest;
  std::string pod;
  std::string topology_policy = "none";
  std::string topology_scope = "container";
  std::string numa_nodes;  // empty: this machine's
  std::string host_root = "/";
  std::optional<std::uint64_t> shuffle;
  std::string time;
  std::string fault;
  std::string fault_value;
  std::string checkpoint;
};

int Fail(const absl::Status& status) {
  std::cerr << "device-manager: " << status.message() << "\n";
  return EXIT_FAILURE;
}

void Print(const ControlJson& json) {
  std::cout << json.dump(2, ' ', false, ControlJson::error_handler_t::replace) << "\n";
}

absl::StatusOr<ControlJson> Ask(const Options& options, const ControlJson& request) {
  return ControlCall(ControlSocket(KubeletPaths(options.kubelet_dir)), request);
}

absl::StatusOr<TopologySettings> ReadTopology(const Options& options) {
  TopologySettings settings;
  auto policy = ParseTopologyPolicy(options.topology_policy);
  if (!policy.ok()) return Annotate(policy.status(), "--topology-manager-policy");
  auto scope = ParseTopologyScope(options.topology_scope);
  if (!scope.ok()) return Annotate(scope.status(), "--topology-manager-scope");
  settings.policy = *policy;
  settings.scope = *scope;
  if (!options.numa_nodes.empty()) {
    auto nodes = ParseNumaNodes(options.numa_nodes);
    if (!nodes.ok()) return Annotate(nodes.status(), "--numa-nodes");
    settings.nodes = *std::move(nodes);
  } else if (settings.policy != TopologyPolicy::kNone) {
    ASSIGN_OR_RETURN(settings.nodes, ReadNumaNodes(HostRoot(options.host_root)));
  }
  return settings;
}

int Serve(const Options& options) {
  BlockSignals({SIGTERM, SIGINT});
  if (const auto status = ConfigureLog("device-manager", options.log_format, options.log_level);
      !status.ok()) {
    return Fail(status);
  }
  const auto topology = ReadTopology(options);
  if (!topology.ok()) return Fail(topology.status());
  const KubeletPaths paths(options.kubelet_dir);
  EventLoop loop;
  absl::Status failure;

  auto server = Server::Start(loop, paths, {.topology = *topology, .shuffle = options.shuffle});
  if (!server.ok()) return Fail(server.status());
  const auto on_failure = [&](const absl::Status& status) {
    failure = status;
    loop.Stop();
  };
  Commands commands(
      (*server)->state(), (*server)->plugins(), (*server)->admitter(),
      [&](Duration down) { loop.Post([&, down] { (*server)->Restart(down, on_failure); }); });
  auto control = ControlServer::Start(loop, ControlSocket(paths), [&](const ControlJson& request) {
    return commands.Handle(request);
  });
  if (!control.ok()) return Fail(control.status());
  const SignalWatch signals(loop, {SIGTERM, SIGINT}, [&](int signal) {
    spdlog::info("signal {}: stopping; kubelet.sock stays behind, as a kubelet leaves it", signal);
    loop.Stop();
  });

  loop.Run();
  // What the commands wait for has to end before their threads can be waited for.
  (*server)->Stop();
  return failure.ok() ? EXIT_SUCCESS : Fail(failure);
}

int ShowStatus(const Options& options) {
  ControlJson wants = ControlJson::object();
  for (const std::string& text : options.waits) {
    const auto want = ParseWant(text);
    if (!want.ok()) return Fail(Annotate(want.status(), "--wait"));
    wants[want->first] = want->second;
  }
  const auto status =
      Ask(options,
          {{"command", "status"}, {"wait", wants}, {"timeoutSeconds", options.timeout_seconds}});
  if (!status.ok()) return Fail(status.status());
  if (options.json) {
    Print(*status);
  } else {
    std::cout << StatusTable(*status);
  }
  if (!status->contains("missing")) return EXIT_SUCCESS;
  return Fail(absl::DeadlineExceededError(absl::StrCat(
      "waited ", options.timeout_seconds, " s in vain: ", status->value("missing", ""))));
}

int AdmitPod(const Options& options) {
  absl::StatusOr<std::string> manifest;
  if (options.manifest == "-") {
    manifest = std::string(std::istreambuf_iterator<char>(std::cin), {});
  } else {
    manifest = ReadFile(options.manifest, 4u << 20);
  }
  if (!manifest.ok()) return Fail(manifest.status());
  const auto answer = Ask(options, {{"command", "admit"}, {"manifest", *manifest}});
  if (!answer.ok()) return Fail(Annotate(answer.status(), options.manifest));
  const ControlJson admission = answer->value("admission", ControlJson());
  Print(admission);
  for (const ControlJson& container : admission.value("containers", ControlJson::array())) {
    for (const ControlJson& resource : container.value("ignored", ControlJson::array())) {
      std::cerr << "device-manager: container " << container.value("name", "")
                << ": no plugin has registered " << resource.get<std::string>()
                << "; a kubelet starts the container without it, and a scheduler would have held "
                   "the pod back\n";
    }
  }
  return answer->value("running", false) ? EXIT_SUCCESS : EXIT_FAILURE;
}

int DeletePod(const Options& options) {
  const std::size_t slash = options.pod.find('/');
  const bool qualified = slash != std::string::npos;
  const auto answer =
      Ask(options, {{"command", "delete"},
                    {"namespace", qualified ? options.pod.substr(0, slash) : "default"},
                    {"pod", qualified ? options.pod.substr(slash + 1) : options.pod}});
  return answer.ok() ? EXIT_SUCCESS : Fail(answer.status());
}

int Restart(const Options& options) {
  const auto answer = Ask(options, {{"command", "restart"}, {"downSeconds", options.down_seconds}});
  return answer.ok() ? EXIT_SUCCESS : Fail(answer.status());
}

int Advance(const Options& options) {
  const auto answer = Ask(options, {{"command", "advance"}, {"time", options.time}});
  if (!answer.ok()) return Fail(answer.status());
  std::cout << "the clock is " << answer->value("aheadSeconds", 0.0) << " s ahead\n";
  return EXIT_SUCCESS;
}

int ShowMetrics(const Options& options) {
  const auto answer = Ask(options, {{"command", "metrics"}});
  if (!answer.ok()) return Fail(answer.status());
  std::cout << answer->value("text", "");
  return EXIT_SUCCESS;
}

int CauseFault(const Options& options) {
  ControlJson request = {{"command", "fault"}};
  if (!options.fault.empty()) {
    request["name"] = options.fault;
    request["value"] = options.fault_value;
  }
  const auto answer = Ask(options, request);
  if (!answer.ok()) return Fail(answer.status());
  const ControlJson faults = answer->value("faults", ControlJson::object());
  for (const auto& [name, value] : faults.items()) {
    std::cout << name << " " << value.get<std::string>() << "\n";
  }
  return EXIT_SUCCESS;
}

int ShowCheckpoint(const Options& options) {
  const absl::StatusOr<std::string> text = ReadFile(options.checkpoint, kCheckpointMaxBytes);
  if (!text.ok()) return Fail(text.status());
  const absl::StatusOr<Checkpoint> checkpoint = ReadForPeople(*text);
  if (!checkpoint.ok()) return Fail(Annotate(checkpoint.status(), options.checkpoint));
  if (options.json) {
    Print(CheckpointJson(*checkpoint));
  } else {
    std::cout << CheckpointText(*checkpoint);
  }
  return ProblemsOf(*checkpoint).empty() ? EXIT_SUCCESS : EXIT_FAILURE;
}

int Main(int argc, char** argv) {
  // A thread for each request: with heaps of their own, each would keep what its last one needed.
  ::mallopt(M_ARENA_MAX, 1);
  // As distributions build absl, it looks for deadlocks among gRPC's mutexes, and its notes on them
  // grow with every connection.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  Options options;
  CLI::App app("A kubelet's Device Manager without a kubelet.", "device-manager");
  app.set_version_flag("--version", NODEDEVICE_VERSION);
  app.require_subcommand(1);
  const auto add = [&](const char* name, const char* what) {
    CLI::App* command = app.add_subcommand(name, what);
    command
        ->add_option("--kubelet-dir", options.kubelet_dir,
                     "the folder that stands for /var/lib/kubelet")
        ->required();
    return command;
  };

  CLI::App* serve = add("serve", "serve kubelet.sock and podresources until SIGTERM or SIGINT");
  serve->add_option("--log-format", options.log_format, "text or json")->capture_default_str();
  serve->add_option("--log-level", options.log_level, "debug, info, warn or error")
      ->capture_default_str();
  serve
      ->add_option("--topology-manager-policy", options.topology_policy,
                   "none, best-effort, restricted or single-numa-node")
      ->capture_default_str();
  serve
      ->add_option("--topology-manager-scope", options.topology_scope,
                   "container or pod: whose devices are aligned with each other")
      ->capture_default_str();
  serve->add_option("--numa-nodes", options.numa_nodes,
                    "NUMA nodes of the machine such as 0,1 or 0-3, instead of its own");
  serve->add_option("--shuffle", options.shuffle,
                    "take devices that no plugin prefers in a random order, as a kubelet does: "
                    "SEED, a number, decides which");
  serve
      ->add_option("--host-root", options.host_root,
                   "the folder before the /sys that tells the machine's own")
      ->capture_default_str();

  CLI::App* status = add("status", "print the node's resources");
  status->add_flag("--json", options.json, "print everything, as JSON");
  status->add_option("--wait", options.waits,
                     "RESOURCE[=N]: wait until N of it (1) are allocatable; may be given again");
  status->add_option("--timeout", options.timeout_seconds, "seconds to wait at most; exit 1 then")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber);

  CLI::App* admit = add("admit", "admit a pod and print what its containers get; exit 1 if not");
  admit->add_option("pod.yaml", options.manifest, "the Pod's manifest, - for standard input")
      ->required();

  CLI::App* remove = add("delete", "delete a pod and free its devices");
  remove->add_option("pod", options.pod, "[NAMESPACE/]NAME, or the pod's uid")->required();

  CLI::App* restart = add("restart", "behave as a kubelet that is restarted");
  restart->add_option("--down", options.down_seconds, "seconds in which kubelet.sock refuses")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber);

  CLI::App* advance = add("advance", "set its clock forward, such as over the grace of 5 minutes");
  advance->add_option("time", options.time, "such as 5m, 90s or 1h30m")->required();

  CLI::App* metrics = add("metrics",
                          "print a kubelet's metrics of device plugins, podresources and Topology "
                          "Manager, in the Prometheus text format");

  CLI::App* fault = add("fault", "misbehave, or print how it misbehaves");
  fault->add_option(
      "fault", options.fault,
      "drop-stream, lose-checkpoint, corrupt-checkpoint happen at once; refuse-dial, "
      "refuse-duplicates, old-stream-race, slow-register, slow-get-options, slow-list-and-watch, "
      "slow-get-preferred, slow-allocate, slow-pre-start, slow-pod-resources last; none ends all");
  fault->add_option("value", options.fault_value,
                    "on or off; of the slow ones a time such as 3s, hang or off; of drop-stream a "
                    "resource, all of them without");

  CLI::App* checkpoint = app.add_subcommand(
      "checkpoint", "verify and explain a kubelet's checkpoint; exit 1 if something is wrong");
  checkpoint
      ->add_option("file", options.checkpoint, "such as device-plugins/kubelet_internal_checkpoint")
      ->required();
  checkpoint->add_flag("--json", options.json, "print everything, as JSON");

  conformance::RunOptions run;
  CLI::App* check = conformance::AddSubcommand(app, &run);

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return *check && code != 0 ? conformance::kNotPlayed : code;
  }
  if (*check) return conformance::RunConformance(run);
  if (*serve) return Serve(options);
  if (*status) return ShowStatus(options);
  if (*admit) return AdmitPod(options);
  if (*remove) return DeletePod(options);
  if (*advance) return Advance(options);
  if (*metrics) return ShowMetrics(options);
  if (*fault) return CauseFault(options);
  if (*checkpoint) return ShowCheckpoint(options);
  return Restart(options);
}

}  // namespace
}  // namespace nodedevice::devicemanager

int main(int argc, char** argv) { return nodedevice::devicemanager::Main(argc, argv); }
