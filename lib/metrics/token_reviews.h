#pragma once

#include <functional>
#include <memory>
#include <string>

#include "lib/metrics/access.h"
#include "lib/metrics/access_cache.h"

namespace nodedevice {

// Asks the reviewer what the cache does not know. One thread owns it; reviews end on any.
class TokenReviews {
 public:
  // `post` runs a function on the owning thread, and must do so from any thread until this is
  // destroyed. Without a reviewer no token authenticates anybody.
  TokenReviews(TokenReviewer reviewer, std::function<void(std::function<void()>)> post);
  ~TokenReviews();
  TokenReviews(const TokenReviews&) = delete;
  TokenReviews& operator=(const TokenReviews&) = delete;

  // Calls `done` on the owning thread, at once when the token is known.
  void Ask(std::string token, const AccessCache::Waiter& done);

 private:
  struct Inbox;

  void Review(std::string token, const TokenDigest& digest);
  void Learn(const TokenDigest& digest, const absl::StatusOr<TokenVerdict>& verdict);

  TokenReviewer reviewer_;
  AccessCache cache_;
  std::shared_ptr<Inbox> inbox_;  // what a review that ends later still may touch
};

}  // namespace nodedevice
