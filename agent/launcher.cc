#include "agent/launcher.h"

#include <signal.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "lib/api/plugin_report.h"

namespace nodedevice {
namespace {

// The plugin's own way of being told to take its resource away before it ends.
constexpr int kWithdrawSignal = SIGUSR1;

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

Launcher::Launcher(ChildProcesses& processes, LaunchSettings settings, Callbacks callbacks)
    : processes_(processes), settings_(std::move(settings)), callbacks_(std::move(callbacks)) {}

absl::StatusOr<int> Launcher::StartPlugin(const PluginSpec& spec) {
  const std::string& plugin = spec.name;
  ASSIGN_OR_RETURN(
      const int pid,
      processes_.Start(plugin, SpawnOptionsFor(spec, settings_),
                       {.on_line = [this, plugin](std::string_view line) { OnLine(plugin, line); },
                        .on_exit =
                            [this, plugin](const ChildExit& exit) {
                              pids_.erase(plugin);
                              callbacks_.on_exit({.plugin = plugin, .exit = exit});
                            }}));
  pids_[plugin] = pid;
  return pid;
}

void Launcher::Signal(const std::string& plugin, StopMode mode) {
  SignalGroup(plugin, mode == StopMode::kWithdraw ? kWithdrawSignal : SIGTERM);
}

void Launcher::KillGroup(const std::string& plugin) { SignalGroup(plugin, SIGKILL); }

void Launcher::SignalGroup(const std::string& plugin, int signal) {
  const auto pid = pids_.find(plugin);
  if (pid != pids_.end()) processes_.SignalGroup(pid->second, signal);
}

void Launcher::OnLine(const std::string& plugin, std::string_view line) {
  const int pid = pids_.at(plugin);
  absl::StatusOr<PluginReport> report = ParseReportLine(line);
  if (!report.ok()) {
    processes_.Note(
        pid, absl::StrCat("a report is unreadable and ignored: ", report.status().message()));
    return;
  }
  callbacks_.on_report({.plugin = plugin, .pid = pid, .report = *std::move(report)});
}

}  // namespace nodedevice
