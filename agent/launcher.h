#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>

#include "agent/child_processes.h"
#include "agent/supervisor.h"
#include "lib/api/device_plugin_config.h"
#include "lib/base/process.h"
#include "lib/base/status.h"

namespace nodedevice {

// What every process of ours is told besides its own task.
struct LaunchSettings {
  std::filesystem::path plugin_binary = {};
  std::filesystem::path host_root = {};
  std::filesystem::path kubelet_dir = {};
  std::string log_level = {};
};

// How `spec` is started: our own program with the entry as argument and a report pipe, or the
// command of an exec entry as it is.
SpawnOptions SpawnOptionsFor(const PluginSpec& spec, const LaunchSettings& settings);

// Runs plugin processes, one for each name: starts them, signals them, and understands their
// reports. Decides nothing.
//
// Loop thread only. Callbacks come from the loop and from ChildProcesses::Reap().
class Launcher {
 public:
  struct Callbacks {
    std::function<void(const Reported&)> on_report;
    std::function<void(const ChildExited&)> on_exit;
  };

  Launcher(ChildProcesses& processes, LaunchSettings settings, Callbacks callbacks);

  // REQUIRES: no process of that plugin runs. Its process id, or why it could not be started.
  absl::StatusOr<int> StartPlugin(const PluginSpec& spec);

  // Both are for its whole process group, and nothing when it has ended.
  void Signal(const std::string& plugin, StopMode mode);
  void KillGroup(const std::string& plugin);

 private:
  void SignalGroup(const std::string& plugin, int signal);
  void OnLine(const std::string& plugin, std::string_view line);

  ChildProcesses& processes_;
  const LaunchSettings settings_;
  const Callbacks callbacks_;
  std::map<std::string, int> pids_;  // of those that run
};

}  // namespace nodedevice
