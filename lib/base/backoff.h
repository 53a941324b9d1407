#pragma once

#include "lib/base/clock.h"

namespace nodedevice {

// How long to wait after the n-th failure in a row: `first`, doubled each time, at most `limit`.
// A value without a clock; jitter is left to callers that talk to a shared server.
struct Backoff {
  Duration first;
  Duration limit;

  // REQUIRES: failures >= 1.
  constexpr Duration After(int failures) const {
    Duration wait = first;
    for (int i = 1; i < failures && wait < limit; ++i) wait *= 2;
    return wait < limit ? wait : limit;
  }
};

}  // namespace nodedevice
