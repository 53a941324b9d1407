#include "lib/base/backoff.h"

#include <gtest/gtest.h>

#include <limits>

namespace nodedevice {
namespace {

using std::chrono::milliseconds;

constexpr Backoff kBackoff{.first = milliseconds(10), .limit = milliseconds(65)};

TEST(BackoffTest, DoublesUpToTheLimit) {
  EXPECT_EQ(kBackoff.After(1), milliseconds(10));
  EXPECT_EQ(kBackoff.After(2), milliseconds(20));
  EXPECT_EQ(kBackoff.After(3), milliseconds(40));
  EXPECT_EQ(kBackoff.After(4), milliseconds(65));
}

TEST(BackoffTest, StaysAtTheLimitHoweverOftenItFails) {
  EXPECT_EQ(kBackoff.After(std::numeric_limits<int>::max()), milliseconds(65));
}

TEST(BackoffTest, NeverExceedsALimitBelowTheFirstWait) {
  constexpr Backoff backoff{.first = milliseconds(10), .limit = milliseconds(3)};
  EXPECT_EQ(backoff.After(1), milliseconds(3));
}

}  // namespace
}  // namespace nodedevice
