#pragma once

#include <chrono>
#include <functional>
#include <thread>

namespace nodedevice::testing {

// For facts about other processes: looks every few milliseconds until `condition` holds. False when
// it still does not hold after `limit`, a time that no healthy machine needs.
inline bool WaitFor(const std::function<bool()>& condition,
                    std::chrono::milliseconds interval = std::chrono::milliseconds(5),
                    std::chrono::milliseconds limit = std::chrono::seconds(60)) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(interval);
  }
  return true;
}

}  // namespace nodedevice::testing
