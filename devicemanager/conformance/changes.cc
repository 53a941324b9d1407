#include "devicemanager/conformance/changes.h"

#include <algorithm>

namespace nodedevice::devicemanager::conformance {
namespace {

constexpr Duration kLookAgain = std::chrono::milliseconds(5);

}  // namespace

void Changes::Notify() {
  const std::lock_guard<std::mutex> lock(mutex_);
  ++version_;
  changed_.notify_all();
}

void Changes::Interrupt() {
  const std::lock_guard<std::mutex> lock(mutex_);
  interrupted_ = true;
  changed_.notify_all();
}

bool Changes::interrupted() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return interrupted_;
}

bool Changes::WaitFor(const std::function<bool()>& fact, Duration limit) {
  const TimePoint deadline = Clock::now() + limit;
  for (;;) {
    std::uint64_t seen = 0;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (interrupted_) return false;
      seen = version_;
    }
    if (fact()) return true;
    const TimePoint now = Clock::now();
    if (now >= deadline) return false;
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait_until(lock, std::min(deadline, now + kLookAgain),
                        [&] { return interrupted_ || version_ != seen; });
  }
}

}  // namespace nodedevice::devicemanager::conformance
