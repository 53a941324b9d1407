#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "devicemanager/conformance/changes.h"
#include "devicemanager/conformance/observation.h"
#include "devicemanager/conformance/played_kubelet.h"
#include "devicemanager/conformance/plugin_process.h"
#include "lib/base/event_loop.h"
#include "lib/kubelet/paths.h"

namespace nodedevice::devicemanager::conformance {

struct PlayerSettings {
  PluginCommand command;
  KubeletPaths paths;
  std::filesystem::path log;
  std::set<std::string> topics;           // what is played
  std::string device = {};                // taken away and put back; empty: none
  std::optional<int> registrations = {};  // nullopt: as many as fit
  Duration start_limit = std::chrono::seconds(30);
  Duration patience = std::chrono::seconds(20);
};

// Starts a plugin and plays the kubelet for it, one scenario after the other, each as short as the
// plugin lets it be. Like a DaemonSet it starts the plugin again when that ends.
//
// One thread, not the loop's; the loop must run meanwhile.
class Player {
 public:
  Player(EventLoop& loop, PlayerSettings settings, Changes& changes,
         std::function<void(const std::string&)> say);

  // Everything that was seen. An error: the plugin did not start, or never called Register; or
  // somebody interrupted (kCancelled).
  absl::StatusOr<Observation> Play();

 private:
  absl::Status Begin();
  void PlayCalls();
  void PlayHotplug();
  void PlayRestart(Stage stage, Duration down);
  void PlayCut();
  void PlaySocketRemoved();
  void PlayGrowth();
  void PlayOverlap();
  void PlayStop();
  void PlayBeforeKubelet();

  bool Wants(std::initializer_list<const char*> topics) const;
  // Ready for the next scenario: the plugin runs and every resource is registered. False when that
  // cannot be had, or nobody wants to go on.
  bool Ready(Stage stage, const std::string& what);
  absl::Status Launch(std::unique_ptr<PluginProcess>* process);
  // Kills it and starts it anew.
  bool Recover();

  // Waits for the fact and starts the plugin again whenever it ends.
  bool Supervise(const std::function<bool()>& fact, Duration limit, std::vector<ChildExit>* ended);
  // Adds the comeback of every resource after `begin`: a newer registration than `since`, and what
  // else has to be true.
  void AwaitComeback(
      Stage stage, std::uint64_t since, TimePoint begin,
      const std::function<bool()>& settled = [] { return true; });
  bool IsBack(const std::string& resource, std::uint64_t since) const;
  bool AllBack(std::uint64_t since) const;
  // Every resource streams and nothing has come for a while.
  bool Quiet() const;
  void NoteDeath(Stage stage, const std::string& doing, bool impossible_request);
  void Hold(Duration duration);

  EventLoop& loop_;
  const PlayerSettings settings_;
  Changes& changes_;
  const std::function<void(const std::string&)> say_;
  PlayedKubelet kubelet_;
  Observation seen_;
  std::set<std::string> expected_;  // the resources that the plugin is known to have
  std::unique_ptr<PluginProcess> process_;
};

}  // namespace nodedevice::devicemanager::conformance
