#include "agent/log_limiter.h"

#include <utility>

namespace nodedevice {

LogLimiter::Verdict LogLimiter::Admit(TimePoint now) {
  if (!span_began_ || now - *span_began_ >= span_) {
    span_began_ = now;
    passed_ = 0;
  }
  if (passed_ >= lines_) {
    ++dropped_;
    return {.pass = false};
  }
  ++passed_;
  return {.pass = true, .dropped_before = TakeDropped()};
}

std::uint64_t LogLimiter::TakeDropped() { return std::exchange(dropped_, 0); }

}  // namespace nodedevice
