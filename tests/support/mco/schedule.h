#pragma once

#include <algorithm>
#include <optional>

#include "lib/base/backoff.h"
#include "lib/base/clock.h"

namespace nodedevice::testing::mco {

// How a controller of OpenShift asks again for what it could not do: soon, each time twice as late,
// and after the last of those once in a while for ever.
struct Retries {
  Duration first = std::chrono::milliseconds(5);
  int doublings = 18;
  Duration later = std::chrono::minutes(1);

  // REQUIRES: failures >= 1.
  Duration After(int failures) const {
    return failures > doublings
               ? later
               : Backoff{.first = first, .limit = Duration::max() / 2}.After(failures);
  }
};

// When an object is due to be looked at, in the manner of a delaying work queue: the earliest time
// that anybody asked for counts.
class Due {
 public:
  void At(TimePoint when) { when_ = when_ ? std::min(*when_, when) : when; }
  void Clear() { when_.reset(); }
  bool HasCome(TimePoint now) const { return when_ && *when_ <= now; }
  const std::optional<TimePoint>& when() const { return when_; }

 private:
  std::optional<TimePoint> when_;
};

// The earlier of two times, either of which may never come.
inline std::optional<TimePoint> Earlier(std::optional<TimePoint> one,
                                        std::optional<TimePoint> other) {
  if (!one || !other) return one ? one : other;
  return std::min(*one, *other);
}

}  // namespace nodedevice::testing::mco
