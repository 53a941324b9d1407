// device-manager-bench: admits and deletes pods at our own Device Manager in a loop, and says how
// fast that goes and what it leaves behind. Exit code: 0 memory stays flat, 1 it grows, 2 it could
// not be measured.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "devicemanager/control.h"
#include "devicemanager/kubelet_folder.h"
#include "nlohmann/json.hpp"
#include "tests/bench/bench_program.h"
#include "tests/bench/plugin_process.h"
#include "tests/bench/samples.h"
#include "tests/support/temp_dir.h"
#include "tests/support/wait_for.h"

namespace nodedevice::bench {
namespace {

using devicemanager::ControlCall;
using devicemanager::ControlJson;

constexpr char kResource[] = "example.com/dev";
// What the allocator's holes may still grow by once half of the rounds are over; twenty bytes lost
// with each pod are more.
constexpr std::int64_t kSlackKib = 128;

struct Options {
  std::filesystem::path programs;  // the folder of device-manager and node-device-plugin
  int devices = 1000;
  int pods = 200;
  int rounds = 60;
};

struct Round {
  Samples admit;
  Samples remove;
  std::int64_t private_kib = 0;
};

std::string PluginEntry(int devices) {
  ControlJson list = ControlJson::array();
  for (int i = 0; i < devices; ++i) list.push_back({{"id", absl::StrCat("d", i)}});
  return ControlJson({{"name", "dev"},
                      {"resourceName", kResource},
                      {"static", {{"devices", std::move(list)}, {"idsEnv", "IDS"}}}})
      .dump();
}

std::string PodManifest(int number, int devices) {
  return ControlJson(
             {{"apiVersion", "v1"},
              {"kind", "Pod"},
              {"metadata", {{"name", absl::StrCat("pod-", number)}}},
              {"spec",
               {{"containers",
                 ControlJson::array(
                     {{{"name", "main"}, {"resources", {{"limits", {{kResource, devices}}}}}}})}}}})
      .dump();
}

// A Device Manager that serves a folder, and a plugin that has registered there.
class Bench {
 public:
  explicit Bench(const Options& options) : options_(options) {}

  absl::Status Start() {
    ASSIGN_OR_RETURN(manager_, Launch({"device-manager", "serve", "--kubelet-dir", KubeletDir()}));
    if (!testing::WaitFor([this] { return Ask({{"command", "status"}}).ok(); })) {
      return absl::UnavailableError("the Device Manager does not serve");
    }
    ASSIGN_OR_RETURN(plugin_, Launch({"node-device-plugin", "--kubelet-dir", KubeletDir(),
                                      "--plugin", PluginEntry(options_.devices)}));
    ASSIGN_OR_RETURN(const ControlJson status, Ask({{"command", "status"},
                                                    {"wait", {{kResource, options_.devices}}},
                                                    {"timeoutSeconds", 60}}));
    if (status.contains("missing")) return absl::UnavailableError(status.dump());
    return absl::OkStatus();
  }

  // Every device is given to a pod, and taken back.
  absl::StatusOr<Round> Play() {
    Round round;
    const int each = options_.devices / options_.pods;
    for (int i = 0; i < options_.pods; ++i) {
      const TimePoint begin = Clock::now();
      ASSIGN_OR_RETURN(const ControlJson answer,
                       Ask({{"command", "admit"}, {"manifest", PodManifest(i, each)}}));
      round.admit.Add(Clock::now() - begin);
      if (!answer.value("running", false)) return absl::InternalError(answer.dump());
    }
    for (int i = 0; i < options_.pods; ++i) {
      const TimePoint begin = Clock::now();
      RETURN_IF_ERROR(
          Ask({{"command", "delete"}, {"namespace", "default"}, {"pod", absl::StrCat("pod-", i)}})
              .status());
      round.remove.Add(Clock::now() - begin);
    }
    ASSIGN_OR_RETURN(const ProcessUse use, manager_->Use());
    round.private_kib = use.private_kib;
    return round;
  }

 private:
  std::string KubeletDir() const { return dir_.path() / "kubelet"; }
  absl::StatusOr<ControlJson> Ask(const ControlJson& request) const {
    return ControlCall(socket_, request);
  }
  absl::StatusOr<std::unique_ptr<PluginProcess>> Launch(std::vector<std::string> line) const {
    const std::string log = dir_.path() / (line[0] + ".log");
    line[0] = options_.programs / line[0];
    ASSIGN_OR_RETURN(PluginProcess process, PluginProcess::Start(line, log));
    return std::make_unique<PluginProcess>(std::move(process));
  }

  const Options& options_;
  testing::TempDir dir_;
  const std::filesystem::path socket_ = devicemanager::ControlSocket(KubeletPaths(KubeletDir()));
  std::unique_ptr<PluginProcess> manager_;
  std::unique_ptr<PluginProcess> plugin_;
};

double PerSecond(const Samples& samples) {
  return 1000 / std::max(1e-6, Milliseconds(samples.Percentile(0.5)));
}

absl::StatusOr<ExitCode> Run(const Options& options) {
  Bench bench(options);
  RETURN_IF_ERROR(bench.Start());
  std::printf("%d devices, %d pods a round\n", options.devices, options.pods);
  std::printf("%5s %24s %24s %12s\n", "round", "admit ms (p50, max)", "delete ms (p50, max)",
              "private KiB");
  std::int64_t first_half = 0;  // the most private memory in it
  std::int64_t second_half = 0;
  for (int number = 1; number <= options.rounds; ++number) {
    ASSIGN_OR_RETURN(const Round round, bench.Play());
    std::printf("%5d %12.2f %11.2f %12.2f %11.2f %12lld\n", number,
                Milliseconds(round.admit.Percentile(0.5)), Milliseconds(round.admit.Percentile(1)),
                Milliseconds(round.remove.Percentile(0.5)),
                Milliseconds(round.remove.Percentile(1)),
                static_cast<long long>(round.private_kib));
    if (number == options.rounds) {
      std::printf("%.0f admissions a second, %.0f deletions\n", PerSecond(round.admit),
                  PerSecond(round.remove));
    }
    std::fflush(stdout);
    std::int64_t& most = number * 2 <= options.rounds ? first_half : second_half;
    most = std::max(most, round.private_kib);
  }
  const std::int64_t growth = second_half - first_half;
  std::printf("the most of the second half beside that of the first: %+lld KiB, %s\n",
              static_cast<long long>(growth), growth <= kSlackKib ? "flat" : "it grows");
  return growth <= kSlackKib ? kGoalsMet : kGoalsMissed;
}

int Main(int argc, char** argv) {
  Options options;
  CLI::App app("Admits and deletes pods at the Device Manager in a loop, and measures it.",
               "device-manager-bench");
  app.add_option("--programs", options.programs,
                 "The folder of device-manager and node-device-plugin")
      ->required();
  app.add_option("--devices", options.devices, "Of the resource; all of them are given to pods")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  app.add_option("--pods", options.pods, "Of a round")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  app.add_option("--rounds", options.rounds, "How often all pods are admitted and deleted")
      ->check(CLI::Range(2, 100'000))
      ->capture_default_str();
  return RunBenchProgram(app, argc, argv, [&options] { return Run(options); });
}

}  // namespace
}  // namespace nodedevice::bench

int main(int argc, char** argv) { return nodedevice::bench::Main(argc, argv); }
