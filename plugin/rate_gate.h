#pragma once

#include <algorithm>
#include <chrono>

#include "lib/base/clock.h"

namespace nodedevice {

// Says when the next look, and so the next list, may follow. Pure: time is passed in.
//
// Every list that reaches the kubelet costs it an fsync. A person who plugs things never meets the
// gate; what changes within `spacing` is seen together; a bus that flaps for minutes costs one list
// per `interval` once the burst is used up.
class RateGate {
 public:
  RateGate(Duration spacing, int burst, Duration interval)
      : spacing_(spacing), burst_(burst), interval_(interval) {}

  // How long to wait before the next one may pass; zero: now. Does not count as passing.
  Duration Wait(TimePoint now) const {
    return std::max(
        {Duration::zero(), last_ + spacing_ - now, (full_at_ - now) - interval_ * (burst_ - 1)});
  }

  // One passes.
  void Pass(TimePoint now) {
    last_ = now;
    full_at_ = std::max(full_at_, now) + interval_;
  }

 private:
  Duration spacing_;
  int burst_;
  Duration interval_;
  TimePoint last_{};
  TimePoint full_at_{};  // when the whole burst is available again
};

}  // namespace nodedevice
