#include "lib/metrics/access_cache.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace nodedevice::testing {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;
using Step = AccessCache::Step;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr TimePoint kStart{std::chrono::hours(1)};
const TokenVerdict kGranted = {.authenticated = true, .allowed = true, .user = "prometheus"};
const TokenVerdict kDenied = {.authenticated = true, .allowed = false, .user = "bob"};
const TokenVerdict kUnknown = {};

class AccessCacheTest : public ::testing::Test {
 protected:
  AccessCache::Answer Ask(const std::string& token, TimePoint now) {
    return cache_.Ask(Sha256Of(token), now, [](const absl::StatusOr<TokenVerdict>&) {});
  }
  std::size_t Learn(const std::string& token, const absl::StatusOr<TokenVerdict>& verdict,
                    TimePoint now) {
    return cache_.Learn(Sha256Of(token), verdict, now).size();
  }

  AccessCache cache_;
};

TEST_F(AccessCacheTest, AnUnknownTokenIsReviewedOnce) {
  EXPECT_EQ(Ask("a", kStart).step, Step::kReview);
  EXPECT_EQ(Ask("a", kStart).step, Step::kWait);
  EXPECT_EQ(Ask("a", kStart + seconds(29)).step, Step::kWait);
  EXPECT_EQ(Ask("b", kStart).step, Step::kReview) << "another token is another review";
  EXPECT_EQ(Learn("a", kGranted, kStart + seconds(29)), 3u);
  EXPECT_EQ(Learn("b", kDenied, kStart), 1u);
}

TEST_F(AccessCacheTest, TellsEveryoneWhoWaitedTheVerdict) {
  std::vector<std::string> told;
  for (const char* who : {"first", "second"}) {
    cache_.Ask(Sha256Of("a"), kStart, [&told, who](const absl::StatusOr<TokenVerdict>& verdict) {
      told.push_back(who + (" " + verdict->user));
    });
  }
  for (const auto& waiter : cache_.Learn(Sha256Of("a"), kGranted, kStart)) waiter(kGranted);
  EXPECT_THAT(told, ::testing::ElementsAre("first prometheus", "second prometheus"));
  EXPECT_THAT(cache_.Learn(Sha256Of("a"), kGranted, kStart), IsEmpty()) << "nobody twice";
}

TEST_F(AccessCacheTest, AGrantHoldsForFiveMinutes) {
  Ask("a", kStart);
  Learn("a", kGranted, kStart);
  const AccessCache::Answer answer = Ask("a", kStart + minutes(5) - seconds(1));
  EXPECT_EQ(answer.step, Step::kKnown);
  EXPECT_EQ(answer.verdict, kGranted);
  EXPECT_EQ(Ask("a", kStart + minutes(5)).step, Step::kReview);
}

TEST_F(AccessCacheTest, ARefusalHoldsForThirtySeconds) {
  for (const TokenVerdict& verdict : {kDenied, kUnknown}) {
    Ask("a", kStart);
    Learn("a", verdict, kStart);
    EXPECT_EQ(Ask("a", kStart + seconds(29)).step, Step::kKnown);
    EXPECT_EQ(Ask("a", kStart + seconds(29)).verdict, verdict);
    EXPECT_EQ(Ask("a", kStart + seconds(30)).step, Step::kReview);
    Learn("a", absl::UnavailableError("away"), kStart);
  }
}

TEST_F(AccessCacheTest, AnErrorIsNotKept) {
  Ask("a", kStart);
  EXPECT_EQ(Learn("a", absl::UnavailableError("away"), kStart), 1u);
  EXPECT_EQ(Ask("a", kStart).step, Step::kReview);
  EXPECT_EQ(cache_.size(), 0u);
}

TEST_F(AccessCacheTest, TheOldestIsForgottenWhenItIsFull) {
  for (std::size_t i = 0; i <= AccessCache::kEntries; ++i) {
    const std::string token = std::to_string(i);
    Ask(token, kStart);
    Learn(token, kGranted, kStart);
  }
  EXPECT_EQ(cache_.size(), AccessCache::kEntries);
  EXPECT_EQ(Ask("0", kStart).step, Step::kReview);
  EXPECT_EQ(Ask("1", kStart).step, Step::kKnown);
  EXPECT_EQ(Ask(std::to_string(AccessCache::kEntries), kStart).step, Step::kKnown);
}

TEST_F(AccessCacheTest, AVerdictThatIsLearntAgainIsYoung) {
  for (std::size_t i = 0; i < AccessCache::kEntries; ++i) {
    Learn(std::to_string(i), kGranted, kStart);
  }
  Learn("0", kGranted, kStart);
  Learn("one more", kGranted, kStart);
  EXPECT_EQ(Ask("0", kStart).step, Step::kKnown);
  EXPECT_EQ(Ask("1", kStart).step, Step::kReview);
}

TEST_F(AccessCacheTest, FewReviewsRunAtATime) {
  for (std::size_t i = 0; i < AccessCache::kReviews; ++i) {
    EXPECT_EQ(Ask(std::to_string(i), kStart).step, Step::kReview);
  }
  EXPECT_EQ(Ask("one more", kStart).step, Step::kBusy);
  EXPECT_EQ(Ask("0", kStart).step, Step::kWait);
  Learn("0", kDenied, kStart);
  EXPECT_EQ(Ask("one more", kStart).step, Step::kReview);
}

TEST_F(AccessCacheTest, AReviewThatNeverEndsIsGivenUp) {
  for (std::size_t i = 0; i < AccessCache::kReviews; ++i) Ask(std::to_string(i), kStart);
  EXPECT_EQ(Ask("0", kStart + seconds(30)).step, Step::kReview);
  EXPECT_EQ(Learn("0", kGranted, kStart + seconds(30)), 1u) << "not who gave up long ago";
  EXPECT_EQ(Ask("new", kStart + seconds(30)).step, Step::kReview);
}

TEST_F(AccessCacheTest, KeepsNoEndlessName) {
  TokenVerdict verdict = kGranted;
  verdict.user.assign(10'000, 'x');
  Learn("a", verdict, kStart);
  EXPECT_THAT(Ask("a", kStart).verdict.user, SizeIs(AccessCache::kUserLength));
}

}  // namespace
}  // namespace nodedevice::testing
