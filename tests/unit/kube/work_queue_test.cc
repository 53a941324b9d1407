#include "lib/kube/work_queue.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace nodedevice::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Outcome = WorkQueue::Outcome;

constexpr TimePoint kStart = TimePoint() + std::chrono::hours(100);

class WorkQueueTest : public ::testing::Test {
 protected:
  // What Take() says at `now`; empty: nothing.
  std::string Take(TimePoint now = kStart) { return queue_.Take(now).value_or(""); }
  void Succeed(const std::string& key, TimePoint now = kStart) {
    queue_.Done(key, Outcome::kSuccess, now);
  }
  // Takes the key at `now` and fails; when it is due then.
  std::optional<TimePoint> Fail(const std::string& key, TimePoint now = kStart) {
    EXPECT_EQ(Take(now), key);
    queue_.Done(key, Outcome::kFailure, now);
    return queue_.NextDeadline(now);
  }

  WorkQueue queue_;
};

TEST_F(WorkQueueTest, HasNothingBeforeSomethingIsAdded) {
  EXPECT_EQ(Take(), "");
  EXPECT_EQ(queue_.NextDeadline(kStart), std::nullopt);
}

TEST_F(WorkQueueTest, GivesEachKeyOnceInTheOrderOfTheirComing) {
  for (const char* key : {"b", "a", "b", "c", "a"}) queue_.Add(key);
  EXPECT_EQ(queue_.depth(), 3u);
  EXPECT_EQ(queue_.NextDeadline(kStart), kStart);
  EXPECT_EQ(Take(), "b");
  EXPECT_EQ(Take(), "a");
  EXPECT_EQ(Take(), "c");
  EXPECT_EQ(Take(), "");
  EXPECT_EQ(queue_.NextDeadline(kStart), std::nullopt);
}

TEST_F(WorkQueueTest, AKeyIsWorkedOnOnceAtATimeAndComesBackWhenItWasWantedMeanwhile) {
  queue_.Add("a");
  EXPECT_EQ(Take(), "a");
  queue_.Add("a");
  queue_.Add("a");
  EXPECT_EQ(Take(), "");
  EXPECT_EQ(queue_.NextDeadline(kStart), std::nullopt) << "its Done is awaited";
  Succeed("a");
  EXPECT_EQ(Take(), "a");
  Succeed("a");
  EXPECT_EQ(Take(), "");
}

TEST_F(WorkQueueTest, WhatNobodyWantsIsForgotten) {
  for (int i = 0; i < 100; ++i) queue_.Add(std::to_string(i));
  while (const auto key = queue_.Take(kStart)) Succeed(*key);
  EXPECT_EQ(queue_.size(), 0u);
  queue_.Add("a");
  Fail("a");
  EXPECT_EQ(queue_.size(), 1u) << "it comes back";
  EXPECT_EQ(Take(kStart + seconds(1)), "a");
  Succeed("a");
  EXPECT_EQ(queue_.size(), 0u);
}

TEST_F(WorkQueueTest, DoneOfWhatIsNotWorkedOnIsIgnored) {
  Succeed("a");
  queue_.Done("a", Outcome::kFailure, kStart);
  EXPECT_EQ(queue_.size(), 0u);
  queue_.Add("a");
  Succeed("a");
  EXPECT_EQ(Take(), "a");
}

TEST_F(WorkQueueTest, AKeyForLaterComesThen) {
  queue_.AddAfter("a", kStart + seconds(10));
  EXPECT_EQ(queue_.NextDeadline(kStart), kStart + seconds(10));
  EXPECT_EQ(Take(kStart + seconds(10) - Duration(1)), "");
  EXPECT_EQ(queue_.NextDeadline(kStart + seconds(11)), kStart + seconds(11)) << "not in the past";
  EXPECT_EQ(Take(kStart + seconds(10)), "a");
  Succeed("a", kStart + seconds(10));
  EXPECT_EQ(queue_.size(), 0u);
}

TEST_F(WorkQueueTest, OfSeveralTimesTheEarliestCounts) {
  queue_.AddAfter("a", kStart + seconds(10));
  queue_.AddAfter("a", kStart + seconds(20));
  EXPECT_EQ(queue_.NextDeadline(kStart), kStart + seconds(10));
  queue_.AddAfter("a", kStart + seconds(5));
  EXPECT_EQ(queue_.NextDeadline(kStart), kStart + seconds(5));
}

TEST_F(WorkQueueTest, KeysForLaterComeInTheOrderOfTheirTimes) {
  queue_.AddAfter("a", kStart + seconds(3));
  queue_.AddAfter("b", kStart + seconds(1));
  queue_.AddAfter("c", kStart + seconds(2));
  EXPECT_EQ(Take(kStart + seconds(5)), "b");
  EXPECT_EQ(Take(kStart + seconds(5)), "c");
  EXPECT_EQ(Take(kStart + seconds(5)), "a");
}

TEST_F(WorkQueueTest, LaterIsStillWantedWhenItWasTakenBefore) {
  queue_.AddAfter("a", kStart + seconds(10));
  queue_.Add("a");
  EXPECT_EQ(Take(), "a");
  Succeed("a");
  EXPECT_EQ(queue_.NextDeadline(kStart), kStart + seconds(10));
  // Taken late, it is not wanted twice.
  queue_.Add("a");
  EXPECT_EQ(Take(kStart + seconds(10)), "a");
  Succeed("a", kStart + seconds(10));
  EXPECT_EQ(queue_.size(), 0u);
}

TEST_F(WorkQueueTest, ATimeThatComesWhileItIsWorkedOnCountsAfterwards) {
  queue_.Add("a");
  EXPECT_EQ(Take(), "a");
  queue_.AddAfter("a", kStart + seconds(10));
  EXPECT_EQ(Take(kStart + seconds(20)), "");
  EXPECT_EQ(queue_.NextDeadline(kStart + seconds(20)), std::nullopt);
  Succeed("a", kStart + seconds(20));
  EXPECT_EQ(Take(kStart + seconds(20)), "a");
}

TEST_F(WorkQueueTest, FailuresWaitTwiceAsLongEachTimeUpToThousandSeconds) {
  queue_.Add("a");
  TimePoint now = kStart;
  Duration pause = milliseconds(5);
  for (int failure = 1; failure <= 30; ++failure) {
    const std::optional<TimePoint> next = Fail("a", now);
    ASSERT_EQ(next, now + std::min<Duration>(pause, seconds(1000))) << failure;
    EXPECT_EQ(Take(*next - Duration(1)), "");
    now = *next;
    pause *= 2;
  }
}

TEST_F(WorkQueueTest, SuccessForgetsFailures) {
  queue_.Add("a");
  Fail("a");
  Fail("a", kStart + seconds(1));
  EXPECT_EQ(Take(kStart + seconds(2)), "a");
  Succeed("a", kStart + seconds(2));
  queue_.Add("a");
  EXPECT_EQ(Fail("a", kStart + seconds(3)), kStart + seconds(3) + milliseconds(5));
}

TEST_F(WorkQueueTest, FailuresOfOneKeyAreNotThoseOfAnother) {
  queue_.Add("a");
  for (int i = 0; i < 10; ++i) Fail("a", kStart + seconds(i * 10));
  queue_.Add("b");
  EXPECT_EQ(Fail("b", kStart + seconds(90)), kStart + seconds(90) + milliseconds(5));
}

TEST_F(WorkQueueTest, AChangeDoesNotWaitForARetryAndCountsAsOne) {
  queue_.Add("a");
  TimePoint now = kStart;
  for (int i = 0; i < 20; ++i) now = *Fail("a", now);
  Fail("a", now);
  queue_.Add("a");
  EXPECT_EQ(Take(now), "a");
  Succeed("a", now);
  EXPECT_EQ(queue_.size(), 0u) << "the retry was this one";
}

TEST_F(WorkQueueTest, AChangeWhileItFailsComesAtOnceAndKeepsTheCount) {
  queue_.Add("a");
  EXPECT_EQ(Take(), "a");
  queue_.Add("a");
  queue_.Done("a", Outcome::kFailure, kStart);
  EXPECT_EQ(Fail("a"), kStart + milliseconds(10));
}

TEST_F(WorkQueueTest, RetriesComeInABurstOfHundredAndThenTenASecond) {
  const int keys = WorkQueue::kBurst + 3;
  for (int i = 0; i < keys; ++i) queue_.Add(std::to_string(i));
  for (int i = 0; i < keys; ++i) queue_.Done(*queue_.Take(kStart), Outcome::kFailure, kStart);
  const auto take_all = [this](TimePoint now) {
    int taken = 0;
    while (queue_.Take(now)) ++taken;
    return taken;
  };
  EXPECT_EQ(take_all(kStart + milliseconds(5)), WorkQueue::kBurst);
  EXPECT_EQ(queue_.NextDeadline(kStart), kStart + milliseconds(100));
  EXPECT_EQ(take_all(kStart + milliseconds(100)), 1);
  EXPECT_EQ(take_all(kStart + milliseconds(299)), 1);
  EXPECT_EQ(take_all(kStart + milliseconds(300)), 1);
}

TEST_F(WorkQueueTest, TheBucketFillsAgainAndDoesNotHoldMore) {
  for (int round = 0; round < 2; ++round) {
    const TimePoint now = kStart + std::chrono::hours(round);
    for (int i = 0; i <= WorkQueue::kBurst; ++i) {
      queue_.Add("a");
      ASSERT_EQ(Take(now), "a");
      queue_.Done("a", Outcome::kFailure, now);
      const Duration pause = *queue_.NextDeadline(now) - now;
      queue_.Add("a");
      ASSERT_EQ(Take(now), "a");
      Succeed("a", now);
      EXPECT_EQ(pause, i < WorkQueue::kBurst ? milliseconds(5) : milliseconds(100)) << i;
    }
  }
}

TEST_F(WorkQueueTest, WhatIsAddedNeedsNoToken) {
  for (int i = 0; i < 10 * WorkQueue::kBurst; ++i) {
    queue_.Add("a");
    ASSERT_EQ(Take(), "a");
    Succeed("a");
  }
}

}  // namespace
}  // namespace nodedevice::testing
