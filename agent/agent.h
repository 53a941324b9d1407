#pragma once

#include <functional>
#include <optional>

#include "agent/child_processes.h"
#include "agent/config_source.h"
#include "agent/device_conflicts.h"
#include "agent/kubelet_observer.h"
#include "agent/launcher.h"
#include "agent/snapshot.h"
#include "agent/supervisor.h"
#include "lib/base/event_loop.h"
#include "lib/base/published.h"
#include "lib/kubelet/kubelet_watch.h"

namespace nodedevice {

// The shell around the Supervisor: tells it what the configuration, the Device Manager, the
// plugin processes and the clock do, and what the kubelet says; performs what it decides, publishes
// the snapshot and logs what changed.
//
// Loop thread only; the published snapshot may be read by any thread.
class Agent {
 public:
  struct Callbacks {
    // Called once, after Stop() or when the agent gave up, when every process of ours has ended.
    std::function<void()> on_stopped;
    // A snapshot was published; may be empty.
    std::function<void(const Snapshot& before, const Snapshot& after)> on_snapshot;
  };

  Agent(EventLoop& loop, const MakeConfigSource& config, LaunchSettings settings,
        Published<Snapshot>& published, Callbacks callbacks);

  void Start();

  // Stops the plugins so that they can be back soon; the second time at once.
  void Stop();

  // True when it stopped because only a new start can help: it looks at a mount of a folder that is
  // no more (KubeletWatch::folder_lost).
  bool gave_up() const { return gave_up_; }

  // The API says this of the node.
  void SetNode(const NodeInfo& node);

  // The API says this of a Device Manager that is down; forgotten when it is up again.
  void SetExplanation(std::vector<std::string> explanation);

  // To be called on SIGCHLD.
  void Reap() { processes_.Reap(); }

 private:
  void OnReport(const Reported& report);
  void OnKubeletReport(const KubeletReport& report);
  void OnLook();
  void LookAtHost();
  void LookForConflicts(const std::vector<PluginSpec>& plugins);
  void Handle(const Event& event);
  void Publish();
  void EndWhenAllHaveEnded();

  // What comes of an action, when it comes at once.
  std::optional<Event> Perform(const Action& action);
  std::optional<Event> Do(const ::nodedevice::Start& action);
  std::optional<Event> Do(const Terminate& action);
  std::optional<Event> Do(const Kill& action);
  std::optional<Event> Do(const LookAtSockets& action);
  std::optional<Event> Do(const AllStopped& action);

  Published<Snapshot>& published_;
  const Callbacks callbacks_;
  NodeInfo node_;
  std::vector<std::string> explanation_;
  const std::filesystem::path host_root_;
  NodePreparation wanted_preparation_;  // of the configuration in force
  PreparationStatus preparation_;
  std::vector<std::string> container_conflicts_;  // of the configuration in force
  DeviceConflicts device_conflicts_;
  const KubeletPaths paths_;
  Supervisor supervisor_;
  Snapshot snapshot_;  // the one that is published
  ChildProcesses processes_;
  Launcher launcher_;
  KubeletObserver observer_;
  KubeletWatch kubelet_;
  std::unique_ptr<ConfigSource> config_;
  Timer deadline_;
  Timer give_up_;
  bool gave_up_ = false;
  bool plugins_stopped_ = false;
};

}  // namespace nodedevice
