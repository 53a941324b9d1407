#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "lib/base/clock.h"

namespace nodedevice {

// How long things took: from a millisecond to ten seconds. A value.
struct DurationHistogram {
  static constexpr std::array<double, 9> kBounds = {0.001, 0.005, 0.01, 0.05, 0.1,
                                                    0.5,   1,     5,    10};  // seconds

  void Add(Duration took) {
    const double seconds = std::chrono::duration<double>(took).count();
    for (std::size_t i = 0; i < kBounds.size(); ++i) {
      if (seconds <= kBounds[i]) ++buckets[i];
    }
    ++count;
    sum += seconds;
  }

  std::array<std::uint64_t, kBounds.size()> buckets = {};  // cumulative
  std::uint64_t count = 0;
  double sum = 0;  // seconds
};

}  // namespace nodedevice
