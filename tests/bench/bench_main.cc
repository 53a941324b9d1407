// plugin-bench: plays the kubelet to a device plugin and compares what it does with the product's
// goals. Exit code: 0 every goal is met, 1 some are missed, 2 it could not be measured.

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "lib/base/file.h"
#include "nlohmann/json.hpp"
#include "tests/bench/bench_program.h"
#include "tests/bench/measure.h"
#include "tests/bench/measure_resources.h"
#include "tests/bench/report.h"

namespace nodedevice::bench {
namespace {

struct Options {
  std::string plugin_binary;
  std::string peer;
  std::string json;
  std::vector<int> devices = {10, 5000};
  int resources = 32;
  int rounds = 40;
  int peer_rounds = 4;
  int idle_seconds = 10;
  bool one_node = false;
  std::string kubelet_dir;
};

// Device nodes lie in {host-root}/dev, which our plugin takes for the node's /dev.
PluginCommand OurCommand(const Options& options, int devices) {
  nlohmann::json plugin = {{"name", "dev"},
                           {"resourceName", "example.com/dev"},
                           {"paths", {{"groups", {{{"paths", {{{"path", "/dev/d*"}}}}}}}}}};
  if (options.one_node) plugin["sharing"] = {{"replicas", devices}};
  return {.words = {options.plugin_binary, "--plugin", plugin.dump(), "--host-root", "{host-root}",
                    "--kubelet-dir", "{kubelet-dir}"}};
}

// `exec`: what is measured and terminated must be the peer, not its shell.
PluginCommand PeerCommand(const std::string& command) {
  return {.words = {"/bin/sh", "-c", "exec " + command}};
}

Plan MakePlan(const Options& options, int devices, int rounds) {
  Plan plan;
  plan.devices = devices;
  plan.one_node = options.one_node;
  plan.kubelet_dir = options.kubelet_dir;
  plan.starts = std::max(1, rounds / 4);
  plan.calls_after_rest = std::max(1, rounds / 2);
  plan.changes = rounds;
  plan.restarts = std::max(1, rounds / 2);
  plan.idle = std::chrono::seconds(options.idle_seconds);
  return plan;
}

ResourcesPlan MakeResourcesPlan(const Options& options) {
  ResourcesPlan plan;
  plan.resources = options.resources;
  plan.starts = std::max(1, options.rounds / 8);
  plan.restarts = std::max(1, options.rounds / 4);
  plan.idle = std::chrono::seconds(options.idle_seconds);
  return plan;
}

absl::StatusOr<Report> MeasureAll(const Options& options, int devices) {
  const absl::StatusOr<Figures> ours =
      Measure(OurCommand(options, devices), MakePlan(options, devices, options.rounds));
  if (!ours.ok()) return Annotate(ours.status(), absl::StrCat(devices, " devices"));
  std::optional<Figures> peer;
  if (!options.peer.empty()) {
    absl::StatusOr<Figures> figures =
        Measure(PeerCommand(options.peer), MakePlan(options, devices, options.peer_rounds));
    if (!figures.ok()) return Annotate(figures.status(), absl::StrCat(devices, " devices, peer"));
    peer = *std::move(figures);
  }
  Report report = MakeReport(devices, *ours, peer);
  if (options.one_node) report.title = absl::StrCat(devices, " shares of one device");
  return report;
}

absl::StatusOr<ExitCode> Run(const Options& options) {
  nlohmann::json results = nlohmann::json::array();
  bool missed = false;
  const auto tell = [&](const Report& report) {
    std::cout << ToText(report) << std::endl;
    results.push_back(ToJson(report));
    missed = missed || report.missed();
  };
  for (const int devices : options.devices) {
    ASSIGN_OR_RETURN(const Report report, MeasureAll(options, devices));
    tell(report);
  }
  if (options.resources > 0) {
    ASSIGN_OR_RETURN(const ResourcesFigures figures,
                     MeasureResources(std::filesystem::path(options.plugin_binary).parent_path(),
                                      MakeResourcesPlan(options)));
    tell(MakeReport(figures));
  }
  if (!options.json.empty()) {
    const nlohmann::json document = {{"results", results}};
    RETURN_IF_ERROR(WriteFileAtomically(options.json, document.dump(2) + "\n"));
  }
  return missed ? kGoalsMissed : kGoalsMet;
}

int Main(int argc, char** argv) {
  Options options;
  CLI::App app("Plays the kubelet to a device plugin and measures it.", "plugin-bench");
  app.add_option("--plugin-binary", options.plugin_binary, "node-device-plugin")->required();
  app.add_option("--devices", options.devices, "Number of devices; may be given several times")
      ->check(CLI::PositiveNumber);
  app.add_option("--resources", options.resources,
                 "Also measure an agent with so many resources of one device each; it lies beside "
                 "the plugin. 0: not")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--json", options.json, "Also write the results to this file");
  app.add_option("--rounds", options.rounds,
                 "How often a device goes and comes back; half as many restarts of the kubelet of "
                 "each kind and calls after a rest, a quarter as many starts")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--idle-seconds", options.idle_seconds, "How long to watch the CPU use of nothing")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option(
      "--peer", options.peer,
      "Measure this shell command too and print both; {kubelet-dir}, {plugin-dir} (its "
      "device-plugins folder), {host-root}, {pattern} (of the devices), {node} (the first "
      "of them) and {devices} (how many) are replaced");
  app.add_option("--peer-rounds", options.peer_rounds, "The peer's --rounds: it may be slow")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_flag("--one-node", options.one_node,
               "The devices are shares of one device node: what a peer can do that counts");
  app.add_option("--kubelet-dir", options.kubelet_dir,
                 "Instead of a fresh folder: for a peer whose paths cannot be changed. No kubelet "
                 "may use it");
  return RunBenchProgram(app, argc, argv, [&options] { return Run(options); });
}

}  // namespace
}  // namespace nodedevice::bench

int main(int argc, char** argv) { return nodedevice::bench::Main(argc, argv); }
