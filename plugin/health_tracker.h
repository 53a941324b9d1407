#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>

#include "lib/base/clock.h"
#include "plugin/device.h"

namespace nodedevice {

// How long a device that vanished is still announced, as unhealthy.
inline constexpr Duration kRemembered = std::chrono::hours(1);

// Turns scans into what is announced. Pure; time is passed in.
//
// A device that vanishes stays announced as unhealthy with a reason: dropped from the list, the
// kubelet would go on showing it as healthy in the status of the pod that holds it. It is forgotten
// after kRemembered, so that a stick that was taken away for good does not alarm for ever. A device
// that returns or gets well counts as healthy once it has been well for `recover`.
class HealthTracker {
 public:
  explicit HealthTracker(Duration recover) : recover_(recover) {}

  // The devices to announce, given those announced before and those a scan found now.
  DeviceSet Update(const DeviceSet& before, DeviceSet scanned, TimePoint now);

  // When to update with the same scan again; nullopt while nothing is pending.
  std::optional<TimePoint> NextDeadline() const;

 private:
  Duration recover_;
  std::map<std::string, TimePoint, NaturalLess> gone_since_;
  std::map<std::string, TimePoint, NaturalLess> well_since_;  // those not yet trusted
};

}  // namespace nodedevice
