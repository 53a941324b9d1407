#pragma once

#include <cstdint>
#include <optional>
#include <random>

#include "absl/status/status.h"
#include "lib/base/backoff.h"
#include "lib/base/clock.h"

namespace nodedevice {

// When to ask the API why the Device Manager is down. Not at once: a kubelet that is restarted is
// back in seconds, and those of a whole fleet may be restarted together. Then again while it stays
// down, ever less often. While it is up, never. Pure.
class InquirySchedule {
 public:
  // After this time the first question, and later ones after each answer; up to a quarter more, so
  // that a fleet does not ask at once.
  static constexpr Backoff kPauses = {.first = std::chrono::seconds(15),
                                      .limit = std::chrono::minutes(5)};

  explicit InquirySchedule(std::uint32_t seed, Backoff pauses = kPauses)
      : random_(seed), pauses_(pauses) {}

  // The Device Manager is down since then; the same again changes nothing.
  void Down(TimePoint since);
  void Up() { since_.reset(); }

  // True: ask now. Done() must come before the next.
  bool Take(TimePoint now);

  // The API answered, or did not; what the server asks for is respected.
  void Done(const absl::Status& outcome, TimePoint now);

  // When Take() will be true; nullopt: not before Down() or Done().
  std::optional<TimePoint> NextDeadline() const;

 private:
  Duration Pause(const absl::Status& outcome);

  std::minstd_rand random_;
  const Backoff pauses_;
  std::optional<TimePoint> since_;  // down since then
  int asked_ = 0;                   // since then
  TimePoint next_;
  bool asking_ = false;
};

}  // namespace nodedevice
