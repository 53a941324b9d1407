#pragma once

#include <cstdint>
#include <optional>

#include "lib/base/clock.h"

namespace nodedevice {

// Lets so many lines through in a span of time and counts the rest, so that whoever prints without
// end cannot flood the log. Pure.
class LogLimiter {
 public:
  LogLimiter(int lines, Duration span) : lines_(lines), span_(span) {}

  struct Verdict {
    bool pass = true;
    std::uint64_t dropped_before = 0;  // lines since the last one that passed; say so first
  };
  Verdict Admit(TimePoint now);

  // Lines dropped since the last one that passed, to be said when no other line will come. Starts
  // the count anew.
  std::uint64_t TakeDropped();

 private:
  const int lines_;
  const Duration span_;
  std::optional<TimePoint> span_began_;
  int passed_ = 0;
  std::uint64_t dropped_ = 0;
};

}  // namespace nodedevice
