#pragma once

#include <optional>

#include "devicemanager/conformance/kept_plugin.h"

// Scenarios about the plugin's process: what it holds as it grows old, a second one beside it, and
// its end. Each adds what it saw to the plugin's observation, blocks until it is over, and leaves
// everything out when the plugin cannot be had for it.
namespace nodedevice::devicemanager::conformance {

// Restarts the kubelet again and again and measures the process after the first tenth and at the
// end. `registrations`: how often; nullopt: as often as fits in 20 s, 1000 times at most. Ends
// early when the plugin ends or does not come back.
void PlayGrowth(KeptPlugin& plugin, std::optional<int> registrations);

// Starts a second instance, as an update does; once that has registered, or ended, the first one
// gets SIGTERM, and what counts is what is registered in the end. The second one is kept.
void PlayOverlap(KeptPlugin& plugin);

// SIGTERM, and what is left afterwards. No plugin is kept then.
void PlayStop(KeptPlugin& plugin);

}  // namespace nodedevice::devicemanager::conformance
