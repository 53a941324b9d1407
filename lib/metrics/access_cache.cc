#include "lib/metrics/access_cache.h"

#include <algorithm>
#include <utility>

namespace nodedevice {

AccessCache::Answer AccessCache::Ask(const TokenDigest& token, TimePoint now, Waiter waiter) {
  if (const auto entry = known_.find(token); entry != known_.end()) {
    if (now < entry->second.until) {
      return {.step = Step::kKnown, .verdict = entry->second.verdict};
    }
    Forget(entry);
  }
  // Whoever waited for a lost review has been told so long ago.
  std::erase_if(reviews_, [now](const auto& review) { return now - review.second.since >= kLost; });
  if (const auto review = reviews_.find(token); review != reviews_.end()) {
    review->second.waiters.push_back(std::move(waiter));
    return {.step = Step::kWait};
  }
  if (reviews_.size() >= kReviews) return {.step = Step::kBusy};
  Review& review = reviews_[token];
  review.since = now;
  review.waiters.push_back(std::move(waiter));
  return {.step = Step::kReview};
}

std::vector<AccessCache::Waiter> AccessCache::Learn(const TokenDigest& token,
                                                    const absl::StatusOr<TokenVerdict>& verdict,
                                                    TimePoint now) {
  if (verdict.ok()) {
    if (const auto entry = known_.find(token); entry != known_.end()) Forget(entry);
    if (known_.size() >= kEntries) Forget(known_.find(by_age_.front()));
    Known& known = known_[token];
    known.verdict = *verdict;
    known.verdict.user.resize(std::min(verdict->user.size(), kUserLength));
    const bool granted = verdict->authenticated && verdict->allowed;
    known.until = now + (granted ? kGranted : kRefused);
    known.age = by_age_.insert(by_age_.end(), token);
  }
  const auto review = reviews_.find(token);
  if (review == reviews_.end()) return {};
  std::vector<Waiter> waiters = std::move(review->second.waiters);
  reviews_.erase(review);
  return waiters;
}

void AccessCache::Forget(std::map<TokenDigest, Known>::iterator entry) {
  by_age_.erase(entry->second.age);
  known_.erase(entry);
}

}  // namespace nodedevice
