#pragma once

#include <algorithm>
#include <chrono>

#include "lib/base/clock.h"

namespace nodedevice {

// Lets a burst through at once and a storm only every `interval`. Pure: time is passed in.
//
// Every list that reaches the kubelet costs it an fsync. A person who plugs things does not notice
// the gate; a bus that flaps costs five lists a second once the burst is used up.
class RateGate {
 public:
  RateGate(int burst, Duration interval) : burst_(burst), interval_(interval) {}

  // How long to wait before the next one may pass; zero: now. Does not count as passing.
  Duration Wait(TimePoint now) const {
    return std::max(Duration::zero(), (full_at_ - now) - interval_ * (burst_ - 1));
  }

  // One passes.
  void Pass(TimePoint now) { full_at_ = std::max(full_at_, now) + interval_; }

 private:
  int burst_;
  Duration interval_;
  TimePoint full_at_{};  // when the whole burst is available again
};

}  // namespace nodedevice
