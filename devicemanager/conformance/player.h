#pragma once

#include <functional>
#include <initializer_list>
#include <optional>
#include <set>
#include <string>

#include "devicemanager/conformance/kept_plugin.h"

namespace nodedevice::devicemanager::conformance {

struct PlayerSettings {
  KeptPluginSettings plugin;
  std::set<std::string> topics;           // what is played
  std::string device = {};                // taken away and put back; empty: none
  std::optional<int> registrations = {};  // nullopt: as many as fit
  Duration start_limit = std::chrono::seconds(30);
};

// Starts a plugin and plays the kubelet for it, one scenario after the other, each as short as the
// plugin lets it be: what is played, and in which order. How is in pod_scenarios.h,
// comeback_scenarios.h and process_scenarios.h.
//
// One thread, not the loop's; the loop must run meanwhile.
class Player {
 public:
  Player(EventLoop& loop, PlayerSettings settings, Changes& changes,
         std::function<void(const std::string&)> say);

  // Everything that was seen. An error: the plugin did not start, or never registered; or
  // somebody interrupted (kCancelled).
  absl::StatusOr<Observation> Play();

 private:
  bool Wants(std::initializer_list<const char*> topics) const;

  const PlayerSettings settings_;
  KeptPlugin plugin_;
};

}  // namespace nodedevice::devicemanager::conformance
