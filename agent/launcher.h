#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "agent/supervisor.h"
#include "lib/api/device_plugin_config.h"
#include "lib/api/plugin_report.h"
#include "lib/base/event_loop.h"
#include "lib/base/process.h"
#include "lib/base/status.h"

namespace nodedevice {

// What every plugin process of ours is told besides its entry.
struct LaunchSettings {
  std::filesystem::path plugin_binary = {};
  std::filesystem::path host_root = {};
  std::filesystem::path kubelet_dir = {};
  std::string log_level = {};
};

// How `spec` is started: our own program with the entry as argument and a report pipe, or the
// command of an exec entry as it is.
SpawnOptions SpawnOptionsFor(const PluginSpec& spec, const LaunchSettings& settings);

// Runs plugin processes, one for each name: starts them, signals them, notices their end, reads
// their reports, and puts what they print into our log, a bounded amount of it. Decides nothing.
//
// Loop thread only, and always the same thread: the processes die with it. Callbacks come from the
// loop and from Reap().
class Launcher {
 public:
  struct Callbacks {
    std::function<void(const Reported&)> on_report;
    std::function<void(const ChildExited&)> on_exit;
  };

  Launcher(EventLoop& loop, LaunchSettings settings, Callbacks callbacks);
  // Kills what still runs.
  ~Launcher();

  // REQUIRES: no process of that plugin runs. Its process id, or why it could not be started.
  absl::StatusOr<int> StartPlugin(const PluginSpec& spec);

  // Both are for its whole process group, and nothing when it has ended.
  void Signal(const std::string& plugin, StopMode mode);
  void KillGroup(const std::string& plugin);

  // To be called on SIGCHLD. What is left of the group of a plugin that ended is killed: a helper
  // that survives it would keep its devices and sockets.
  void Reap();

 private:
  class Child;

  EventLoop& loop_;
  const LaunchSettings settings_;
  const Callbacks callbacks_;
  std::map<std::string, std::unique_ptr<Child>> children_;
};

}  // namespace nodedevice
