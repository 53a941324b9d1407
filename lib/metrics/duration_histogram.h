#pragma once

#include <array>
#include <chrono>

#include "lib/base/clock.h"
#include "lib/metrics/histogram.h"

namespace nodedevice {

inline constexpr std::array<double, 9> kDurationBounds = {0.001, 0.005, 0.01, 0.05, 0.1,
                                                          0.5,   1,     5,    10};  // seconds

// How long things took, in seconds: from a millisecond to ten seconds. A value.
struct DurationHistogram : Histogram<kDurationBounds> {
  void Add(Duration took) { Observe(std::chrono::duration<double>(took).count()); }
};

}  // namespace nodedevice
