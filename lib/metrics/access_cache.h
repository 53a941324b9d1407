#pragma once

#include <cstddef>
#include <functional>
#include <list>
#include <map>
#include <vector>

#include "lib/base/clock.h"
#include "lib/metrics/access.h"
#include "lib/metrics/sha256.h"

namespace nodedevice {

// A token is kept as its digest only.
using TokenDigest = Sha256Digest;

// What is known of tokens, so that a scrape every few seconds is not a review every few seconds,
// and a flood of wrong tokens not a flood of reviews: a verdict holds for some time, requests with
// one token share one review, and few reviews run at a time. Not thread-safe. Pure: it gets the
// time and returns what to do.
class AccessCache {
 public:
  static constexpr Duration kGranted = std::chrono::minutes(5);
  static constexpr Duration kRefused = std::chrono::seconds(30);
  static constexpr Duration kLost = std::chrono::seconds(30);  // a review that never answered
  static constexpr std::size_t kEntries = 1000;                // then the oldest is forgotten
  static constexpr std::size_t kReviews = 8;
  static constexpr std::size_t kUserLength = 256;  // what is kept of a user's name

  using Waiter = std::function<void(const absl::StatusOr<TokenVerdict>&)>;

  enum class Step {
    kKnown,   // `verdict`
    kReview,  // start one and Learn() its result; the waiter is kept for that
    kWait,    // one runs; the waiter is kept
    kBusy,    // too many run
  };
  struct Answer {
    Step step = Step::kBusy;
    TokenVerdict verdict = {};
  };

  Answer Ask(const TokenDigest& token, TimePoint now, Waiter waiter);

  // The result of a review. An error is forgotten at once, so the next request asks again. Returns
  // who waited for it and is to be told.
  std::vector<Waiter> Learn(const TokenDigest& token, const absl::StatusOr<TokenVerdict>& verdict,
                            TimePoint now);

  std::size_t size() const { return known_.size(); }

 private:
  struct Known {
    TokenVerdict verdict;
    TimePoint until;
    std::list<TokenDigest>::iterator age;
  };
  struct Review {
    TimePoint since;
    std::vector<Waiter> waiters;
  };

  void Forget(std::map<TokenDigest, Known>::iterator entry);

  std::map<TokenDigest, Known> known_;
  std::list<TokenDigest> by_age_;  // the keys of known_, oldest first
  std::map<TokenDigest, Review> reviews_;
};

}  // namespace nodedevice
