#include "agent/latest_writer.h"

#include <algorithm>
#include <utility>

#include "lib/base/backoff.h"
#include "lib/kube/retry.h"

namespace nodedevice {
namespace {

constexpr Backoff kBackoff = {.first = std::chrono::seconds(1), .limit = std::chrono::seconds(60)};

}  // namespace

std::optional<nlohmann::json> LatestWriter::Take(TimePoint now) {
  if (writing_ || wanted_ == written_ || now < Earliest()) return std::nullopt;
  full_at_ = std::max(full_at_, now) + kRefill;
  return writing_ = wanted_;
}

std::optional<nlohmann::json> LatestWriter::TakeLast() {
  if (writing_ || wanted_ == written_) return std::nullopt;
  return writing_ = wanted_;
}

void LatestWriter::Done(const absl::Status& outcome, TimePoint now) {
  std::optional<nlohmann::json> version = std::exchange(writing_, std::nullopt);
  if (outcome.ok()) {
    written_ = std::move(version);
    failures_ = 0;
    retry_at_.reset();
    not_before_.reset();
    return;
  }
  // It may have arrived all the same: what the server has is not known any more.
  written_.reset();
  const double random = std::uniform_real_distribution<double>(0, 1)(random_);
  retry_at_ = now + RetryPause(outcome, kBackoff.After(++failures_), random);
  const std::optional<ApiError> error = ApiErrorOf(outcome);
  not_before_ = error && error->retry_after ? retry_at_ : std::nullopt;
}

std::optional<TimePoint> LatestWriter::NextDeadline() const {
  if (writing_ || wanted_ == written_) return std::nullopt;
  return Earliest();
}

TimePoint LatestWriter::Earliest() const {
  // A full bucket holds kBurst writes.
  return std::max(retry_at_.value_or(TimePoint()), full_at_ - (kBurst - 1) * kRefill);
}

}  // namespace nodedevice
