#include "agent/inquiry_schedule.h"

#include "lib/kube/retry.h"

namespace nodedevice {

void InquirySchedule::Down(TimePoint since) {
  if (since_ == since) return;
  since_ = since;
  asked_ = 0;
  next_ = since + Pause(absl::OkStatus());
}

bool InquirySchedule::Take(TimePoint now) {
  if (!since_ || asking_ || now < next_) return false;
  ++asked_;
  return asking_ = true;
}

void InquirySchedule::Done(const absl::Status& outcome, TimePoint now) {
  asking_ = false;
  // What was asked in an earlier outage says nothing about when to ask in this one.
  if (asked_ > 0) next_ = now + Pause(outcome);
}

std::optional<TimePoint> InquirySchedule::NextDeadline() const {
  if (!since_ || asking_) return std::nullopt;
  return next_;
}

Duration InquirySchedule::Pause(const absl::Status& outcome) {
  const double random = std::uniform_real_distribution<double>(0, 0.25)(random_);
  return RetryPause(outcome, pauses_.After(asked_ + 1), random);
}

}  // namespace nodedevice
