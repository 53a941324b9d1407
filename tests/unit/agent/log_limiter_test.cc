#include "agent/log_limiter.h"

#include "gtest/gtest.h"

namespace nodedevice::testing {
namespace {

using std::chrono::seconds;

constexpr TimePoint kStart = TimePoint() + seconds(100);

TEST(LogLimiterTest, LetsSoManyLinesThroughInEachSpan) {
  LogLimiter limiter(3, seconds(10));
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(limiter.Admit(kStart + seconds(i)).pass);
  EXPECT_FALSE(limiter.Admit(kStart + seconds(3)).pass);
  EXPECT_FALSE(limiter.Admit(kStart + seconds(9)).pass);
  EXPECT_TRUE(limiter.Admit(kStart + seconds(10)).pass);
}

TEST(LogLimiterTest, SaysOnceHowManyWereDropped) {
  LogLimiter limiter(1, seconds(10));
  EXPECT_EQ(limiter.Admit(kStart).dropped_before, 0u);
  for (int i = 0; i < 500; ++i) EXPECT_FALSE(limiter.Admit(kStart).pass);
  EXPECT_EQ(limiter.Admit(kStart + seconds(10)).dropped_before, 500u);
  EXPECT_EQ(limiter.Admit(kStart + seconds(20)).dropped_before, 0u);
}

TEST(LogLimiterTest, GivesTheCountWhenNoOtherLineComes) {
  LogLimiter limiter(1, seconds(10));
  limiter.Admit(kStart);
  limiter.Admit(kStart);
  EXPECT_EQ(limiter.TakeDropped(), 1u);
  EXPECT_EQ(limiter.TakeDropped(), 0u);
}

}  // namespace
}  // namespace nodedevice::testing
