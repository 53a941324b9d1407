#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace nodedevice {

// How often values up to each of the bounds were seen, and their sum. A value.
template <const auto& kUpTo>
struct Histogram {
  static constexpr const auto& kBounds = kUpTo;

  void Observe(double value) {
    for (std::size_t i = 0; i < kBounds.size(); ++i) {
      if (value <= kBounds[i]) ++buckets[i];
    }
    ++count;
    sum += value;
  }

  std::array<std::uint64_t, kUpTo.size()> buckets = {};  // cumulative
  std::uint64_t count = 0;
  double sum = 0;
};

}  // namespace nodedevice
