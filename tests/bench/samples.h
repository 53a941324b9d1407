#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <vector>

#include "lib/base/clock.h"

namespace nodedevice::bench {

inline double Milliseconds(Duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

// Durations that were measured, and what is said of them. A plain value.
class Samples {
 public:
  void Add(Duration duration) { durations_.push_back(duration); }

  bool empty() const { return durations_.empty(); }
  std::size_t size() const { return durations_.size(); }
  const std::vector<Duration>& all() const { return durations_; }  // in the order of Add()

  // The smallest duration that `share` (0 to 1) of all do not exceed: Percentile(0.5) is the median
  // (of an even number the lower of the two), Percentile(1) the maximum. REQUIRES: !empty().
  Duration Percentile(double share) const {
    std::vector<Duration> sorted = durations_;
    std::sort(sorted.begin(), sorted.end());
    const double rank = std::ceil(share * static_cast<double>(sorted.size()));
    const auto index = static_cast<std::size_t>(std::max(rank, 1.0)) - 1;
    return sorted[std::min(index, sorted.size() - 1)];
  }

 private:
  std::vector<Duration> durations_;
};

}  // namespace nodedevice::bench
