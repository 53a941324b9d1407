#pragma once

#include <chrono>
#include <functional>

#include "lib/base/event_loop.h"

namespace nodedevice::testing {

// Runs the loop until `condition` holds, looked at every millisecond on the loop's own thread.
// False when it still does not hold after a time that no healthy machine needs.
inline bool RunUntil(EventLoop& loop, const std::function<bool()>& condition) {
  const TimePoint deadline = Clock::now() + std::chrono::seconds(30);
  bool held = false;
  std::function<void()> look;
  Timer timer(loop, [&look] { look(); });
  look = [&] {
    held = condition();
    if (held || Clock::now() > deadline) {
      loop.Stop();
    } else {
      timer.After(std::chrono::milliseconds(1));
    }
  };
  timer.After(Duration::zero());
  loop.Run();
  return held;
}

}  // namespace nodedevice::testing
