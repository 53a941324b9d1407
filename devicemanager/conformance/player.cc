#include "devicemanager/conformance/player.h"

#include <algorithm>
#include <utility>

#include "devicemanager/conformance/comeback_scenarios.h"
#include "devicemanager/conformance/pod_scenarios.h"
#include "devicemanager/conformance/process_scenarios.h"

namespace nodedevice::devicemanager::conformance {

Player::Player(EventLoop& loop, PlayerSettings settings, Changes& changes,
               std::function<void(const std::string&)> say)
    : settings_(std::move(settings)), plugin_(loop, settings_.plugin, changes, std::move(say)) {}

bool Player::Wants(std::initializer_list<const char*> topics) const {
  return std::any_of(topics.begin(), topics.end(),
                     [this](const char* topic) { return settings_.topics.contains(topic); });
}

absl::StatusOr<Observation> Player::Play() {
  RETURN_IF_ERROR(plugin_.Begin(settings_.start_limit));
  // Without a resource only the registrations can be judged.
  if (!plugin_.expected().empty()) {
    if (Wants({"allocate", "preferred", "prestart"})) {
      PlayCalls(plugin_, {.allocate = Wants({"allocate"}),
                          .preferred = Wants({"preferred"}),
                          .pre_start = Wants({"prestart"})});
    }
    if (!settings_.device.empty() && Wants({"hotplug"})) PlayHotplug(plugin_, settings_.device);
    if (Wants({"restart"}) || (Wants({"registry"}) && plugin_.in_registry())) {
      PlayRestart(plugin_);
    }
    if (Wants({"restart"})) PlayLongRestart(plugin_);
    if (Wants({"slow-kubelet"}) && plugin_.calls_register()) PlaySlowKubelet(plugin_);
    if (Wants({"refused"})) PlayRefusedOnce(plugin_);
    if (Wants({"stream"})) PlayCut(plugin_);
    if (Wants({"socket"})) PlaySocketRemoved(plugin_);
    if (Wants({"growth"})) PlayGrowth(plugin_, settings_.registrations);
    if (Wants({"overlap"})) PlayOverlap(plugin_);
    if (Wants({"stop"}) || (Wants({"registry"}) && plugin_.in_registry())) PlayStop(plugin_);
    if (Wants({"start"})) PlayBeforeKubelet(plugin_);
  }
  if (plugin_.interrupted()) return absl::CancelledError("interrupted");
  return plugin_.End();
}

}  // namespace nodedevice::devicemanager::conformance
