#include "lib/metrics/token_reviews.h"

#include <exception>
#include <mutex>
#include <utility>

namespace nodedevice {

struct TokenReviews::Inbox {
  std::mutex mutex;
  std::function<void(std::function<void()>)> post;  // guarded by mutex; empty: the owner is gone
};

TokenReviews::TokenReviews(TokenReviewer reviewer, std::function<void(std::function<void()>)> post)
    : reviewer_(std::move(reviewer)), inbox_(std::make_shared<Inbox>()) {
  inbox_->post = std::move(post);
}

TokenReviews::~TokenReviews() {
  const std::lock_guard<std::mutex> lock(inbox_->mutex);
  inbox_->post = nullptr;
}

void TokenReviews::Ask(std::string token, const AccessCache::Waiter& done) {
  if (!reviewer_) return done(TokenVerdict{});
  const TokenDigest digest = Sha256Of(token);
  const AccessCache::Answer answer = cache_.Ask(digest, Clock::now(), done);
  switch (answer.step) {
    case AccessCache::Step::kKnown:
      return done(answer.verdict);
    case AccessCache::Step::kReview:
      return Review(std::move(token), digest);
    case AccessCache::Step::kWait:
      return;
    case AccessCache::Step::kBusy:
      return done(absl::ResourceExhaustedError(
          "too many reviews of unknown tokens run already; try again"));
  }
}

void TokenReviews::Review(std::string token, const TokenDigest& digest) {
  const auto done = [this, digest, inbox = inbox_](absl::StatusOr<TokenVerdict> verdict) {
    const std::lock_guard<std::mutex> lock(inbox->mutex);
    if (!inbox->post) return;
    inbox->post([this, digest, result = std::move(verdict)] { Learn(digest, result); });
  };
  try {
    reviewer_(std::move(token), done);
  } catch (const std::exception& error) {
    Learn(digest, absl::InternalError(error.what()));
  }
}

void TokenReviews::Learn(const TokenDigest& digest, const absl::StatusOr<TokenVerdict>& verdict) {
  for (const AccessCache::Waiter& waiter : cache_.Learn(digest, verdict, Clock::now())) {
    waiter(verdict);
  }
}

}  // namespace nodedevice
