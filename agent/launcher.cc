#include "agent/launcher.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "agent/plugin_output.h"

namespace nodedevice {
namespace {

// One turn of the loop reads at most so much of one pipe; others have their turn in between.
constexpr std::size_t kReadAtOnce = 64u << 10;

// The plugin's own way of being told to take its resource away before it ends.
constexpr int kWithdrawSignal = SIGUSR1;

enum class PipeState { kOpen, kEnded };

// Hands what can be read without waiting, up to `limit` bytes, to `on_bytes`.
PipeState ReadSome(int fd, std::size_t limit,
                   const std::function<void(std::string_view)>& on_bytes) {
  std::vector<char> buffer(std::min<std::size_t>(limit, 16u << 10));
  for (std::size_t total = 0; total < limit;) {
    const ssize_t n = ::read(fd, buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno == EAGAIN ? PipeState::kOpen : PipeState::kEnded;
    if (n == 0) return PipeState::kEnded;
    on_bytes(std::string_view(buffer.data(), static_cast<std::size_t>(n)));
    total += static_cast<std::size_t>(n);
  }
  return PipeState::kOpen;
}

}  // namespace

SpawnOptions SpawnOptionsFor(const PluginSpec& spec, const LaunchSettings& settings) {
  if (const Exec* exec = std::get_if<Exec>(&spec.discovery)) {
    // It knows nothing of us, so it cannot be asked to end well when we are gone.
    return {.command = exec->command, .parent_death_signal = SIGKILL};
  }
  // It logs as JSON whatever our format is, so that we can tell its levels: see PluginOutput.
  return {.command = {settings.plugin_binary.string(), "--plugin", spec.text, "--host-root",
                      settings.host_root.string(), "--kubelet-dir", settings.kubelet_dir.string(),
                      "--log-format", "json", "--log-level", settings.log_level},
          .report_pipe = true,
          .parent_death_signal = SIGTERM};
}

// One process and its two pipes.
class Launcher::Child {
 public:
  Child(Launcher& launcher, const std::string& plugin, SpawnedChild process)
      : launcher_(launcher),
        plugin_(plugin),
        process_(std::move(process)),
        output_(plugin),
        report_lines_(kMaxReportLine,
                      [this](std::string_view line, std::size_t dropped) {
                        newest_report_ = std::string(line);
                        report_too_long_ = dropped > 0;
                      }),
        output_watch_(std::make_unique<ReadWatch>(launcher.loop_, process_.output.get(),
                                                  [this] { ReadOutput(kReadAtOnce); })) {
    if (process_.report) {
      report_watch_ = std::make_unique<ReadWatch>(launcher.loop_, process_.report.get(),
                                                  [this] { ReadReports(); });
    }
  }

  int pid() const { return process_.pid; }

  void SignalGroup(int signal) const { ::kill(-process_.pid, signal); }

  // Its last words: what it wrote before it ended is still in the pipe.
  void Finish() {
    constexpr std::size_t kLastWords = 1u << 20;
    ReadOutput(kLastWords);
    output_.Finish(Clock::now());
  }

 private:
  void ReadOutput(std::size_t limit) {
    if (!process_.output) return;
    const PipeState state = ReadSome(process_.output.get(), limit, [this](std::string_view bytes) {
      output_.Add(bytes, Clock::now());
    });
    if (state == PipeState::kEnded) {
      output_watch_.reset();
      process_.output.Reset();
    }
  }

  void ReadReports() {
    newest_report_.clear();
    report_too_long_ = false;
    const PipeState state = ReadSome(process_.report.get(), kMaxReportLine,
                                     [this](std::string_view bytes) { report_lines_.Add(bytes); });
    if (state == PipeState::kEnded) {
      report_watch_.reset();
      process_.report.Reset();
    }
    // Each line is a complete picture, so only the newest one counts.
    if (newest_report_.empty()) return;
    absl::StatusOr<PluginReport> report = report_too_long_
                                              ? absl::ResourceExhaustedError("the line is too long")
                                              : ParseReportLine(newest_report_);
    if (!report.ok()) {
      output_.Note(absl::StrCat("a report is unreadable and ignored: ", report.status().message()),
                   Clock::now());
      return;
    }
    // Last: the callback may lead to the end of this object.
    launcher_.callbacks_.on_report(
        {.plugin = plugin_, .pid = process_.pid, .report = *std::move(report)});
  }

  Launcher& launcher_;
  const std::string plugin_;
  SpawnedChild process_;
  PluginOutput output_;
  BoundedLines report_lines_;
  std::string newest_report_;
  bool report_too_long_ = false;
  std::unique_ptr<ReadWatch> output_watch_;
  std::unique_ptr<ReadWatch> report_watch_;
};

Launcher::Launcher(EventLoop& loop, LaunchSettings settings, Callbacks callbacks)
    : loop_(loop), settings_(std::move(settings)), callbacks_(std::move(callbacks)) {}

Launcher::~Launcher() {
  for (const auto& [plugin, child] : children_) child->SignalGroup(SIGKILL);
}

absl::StatusOr<int> Launcher::StartPlugin(const PluginSpec& spec) {
  ASSIGN_OR_RETURN(SpawnedChild process, Spawn(SpawnOptionsFor(spec, settings_)));
  auto child = std::make_unique<Child>(*this, spec.name, std::move(process));
  const int pid = child->pid();
  children_[spec.name] = std::move(child);
  return pid;
}

void Launcher::Signal(const std::string& plugin, StopMode mode) {
  const auto child = children_.find(plugin);
  if (child == children_.end()) return;
  child->second->SignalGroup(mode == StopMode::kWithdraw ? kWithdrawSignal : SIGTERM);
}

void Launcher::KillGroup(const std::string& plugin) {
  const auto child = children_.find(plugin);
  if (child != children_.end()) child->second->SignalGroup(SIGKILL);
}

void Launcher::Reap() {
  std::vector<ChildExited> ended;
  ReapChildren([this, &ended](const ChildExit& exit) {
    for (auto child = children_.begin(); child != children_.end(); ++child) {
      if (child->second->pid() != exit.pid) continue;
      child->second->SignalGroup(SIGKILL);
      child->second->Finish();
      ended.push_back({.plugin = child->first, .exit = exit});
      children_.erase(child);
      return;
    }
  });
  for (const ChildExited& exited : ended) callbacks_.on_exit(exited);
}

}  // namespace nodedevice
