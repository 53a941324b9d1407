#pragma once

#include <algorithm>

#include "lib/base/clock.h"
#include "lib/kube/api_error.h"

namespace nodedevice {

// How long to wait after a request failed with `why`: `pause`, or what the server asked for if that
// is longer, and up to as much again, so that a thousand nodes do not come back at once.
// `random`: from 0 to 1.
inline Duration RetryPause(const absl::Status& why, Duration pause, double random) {
  if (const auto error = ApiErrorOf(why); error && error->retry_after) {
    pause = std::max(pause, *error->retry_after);
  }
  return pause + std::chrono::duration_cast<Duration>(pause * random);
}

}  // namespace nodedevice
