// soak: lets devices, pods, the kubelet, the agent, its plugins, the configuration and the API
// server come, go, change and fail on a fake node, and checks after each step that everything is as
// it must be. Exit code: 0 it was, and nothing grows; 1 a rule was broken or something grows; 2 it
// could not be played.

#include <chrono>
#include <cstdio>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "lib/base/process.h"
#include "tests/bench/bench_program.h"
#include "tests/soak/planner.h"
#include "tests/soak/player.h"
#include "tests/soak/report.h"

namespace nodedevice::soak {
namespace {

using bench::ExitCode;

constexpr std::size_t kLastSteps = 20;  // that are told after a failure

struct Options {
  std::optional<std::uint64_t> seed;
  double minutes = 4;
  std::optional<int> steps;
  std::optional<int> storm;
  double limit_seconds = 30;
  std::int64_t allowance_kib = 256;
  bool memory_only_printed = false;
};

class Soak {
 public:
  explicit Soak(const Options& options)
      : options_(options),
        seed_(options.seed.value_or(
            static_cast<std::uint64_t>(std::chrono::system_clock::now().time_since_epoch().count() /
                                       1'000'000) %
            1'000'000'000)),
        planner_(seed_),
        stage_(std::chrono::duration_cast<Duration>(
            std::chrono::duration<double>(options.limit_seconds))),
        player_(stage_),
        node_(Node::First(seed_ % 2 == 0 ? Source::kFile : Source::kApi)) {}

  absl::StatusOr<ExitCode> Run() {
    RETURN_IF_ERROR(AdoptOrphans());
    std::printf("seed %llu\n", static_cast<unsigned long long>(seed_));
    std::fflush(stdout);
    report_.seed = seed_;
    started_ = Clock::now();
    RETURN_IF_ERROR(Annotate(player_.Begin(node_), stage_.Logs()));
    const absl::Status played = PlayAll();
    if (!played.ok()) return Tell(played);
    report_.facts = player_.facts();
    report_.minutes = Minutes();
    report_.courses = Judge(marks_, options_.memory_only_printed ? -1 : options_.allowance_kib);
    std::printf("%s", ToText(report_, marks_.size()).c_str());
    return report_.IsFlat() ? bench::kGoalsMet : bench::kGoalsMissed;
  }

 private:
  double Minutes() const {
    return std::chrono::duration<double, std::ratio<60>>(Clock::now() - started_).count();
  }
  // The share of the soak that is over.
  double Progress() const {
    return options_.steps ? static_cast<double>(report_.steps) / std::max(1, *options_.steps)
                          : Minutes() / options_.minutes;
  }
  bool IsStorm() const {
    return options_.storm ? report_.steps < *options_.storm : Progress() < 0.5;
  }

  absl::Status PlayAll() {
    while (Progress() < 1) {
      const bool storm = report_.steps == report_.storm_steps && IsStorm();
      if (storm) ++report_.storm_steps;
      RETURN_IF_ERROR(PlayOne(storm ? Part::kStorm : Part::kWear).status());
    }
    planned_ = report_.steps;
    planner_.Finish();
    for (bool marked = false; !marked;) {
      ASSIGN_OR_RETURN(const Kind kind, PlayOne(Part::kWear));
      marked = kind == Kind::kMark;
    }
    return player_.End();
  }

  absl::StatusOr<Kind> PlayOne(Part part) {
    const Step step = planner_.Next(node_, part);
    last_.push_back(step);
    if (last_.size() > kLastSteps) last_.pop_front();
    report_.Add(step);
    RETURN_IF_ERROR(player_.Play(step, node_));
    if (step.settle) {
      ASSIGN_OR_RETURN(const Settled settled, player_.Settle(node_));
      report_.Add(step, settled);
    }
    if (step.kind == Kind::kMark) {
      ASSIGN_OR_RETURN(Mark mark, stage_.Measure());
      marks_.push_back(std::move(mark));
    }
    return step.kind;
  }

  ExitCode Tell(const absl::Status& problem) const {
    std::printf("%s\nthe last steps:\n", stage_.Logs().c_str());
    for (const Step& step : last_) std::printf("  %s\n", ToText(step).c_str());
    std::printf(
        "step %d broke a rule: %s\nthe same again: soak --seed %llu --steps %d --storm %d\n",
        report_.steps, std::string(problem.message()).c_str(),
        static_cast<unsigned long long>(seed_), planned_.value_or(report_.steps),
        report_.storm_steps);
    return bench::kGoalsMissed;
  }

  const Options& options_;
  const std::uint64_t seed_;
  Planner planner_;
  Stage stage_;
  Player player_;
  Node node_;
  Report report_;
  std::vector<Mark> marks_;
  std::deque<Step> last_;
  std::optional<int> planned_;  // steps before the end was made ready
  TimePoint started_;
};

int Main(int argc, char** argv) {
  Options options;
  CLI::App app("Plays random steps on a fake node, and checks that every rule holds.", "soak");
  app.add_option("--seed", options.seed, "Decides every step; the clock's, if not given");
  app.add_option("--minutes", options.minutes, "How long; half of it with every process mortal")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--steps", options.steps, "How many steps, instead of minutes")
      ->check(CLI::PositiveNumber);
  app.add_option("--storm", options.storm,
                 "How many of the steps come before those in which the processes live on")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--limit", options.limit_seconds, "Seconds in which everything must come right")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--allowance", options.allowance_kib,
                 "KiB by which a process may have more memory in the later half")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_flag("--memory-only-printed", options.memory_only_printed,
               "Judge no memory, as under AddressSanitizer, which keeps what was freed");
  return bench::RunBenchProgram(app, argc, argv, [&options] { return Soak(options).Run(); });
}

}  // namespace
}  // namespace nodedevice::soak

int main(int argc, char** argv) { return nodedevice::soak::Main(argc, argv); }
