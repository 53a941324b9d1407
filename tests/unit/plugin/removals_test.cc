// When devices that nobody asks for may be removed: what is known and times in, orders out.
#include "plugin/removals.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace nodedevice {
namespace {

using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Ids = std::set<std::string>;

constexpr auto kIdle = Removals::kIdle;
constexpr auto kRetry = Removals::kRetry;

class RemovalsTest : public ::testing::Test {
 protected:
  void Find(const Ids& unwanted, const Ids& tried = {}) {
    removals_.OnWorked(unwanted, tried, now_);
  }
  void Hold(const std::optional<Ids>& held) { removals_.OnHeld(held, now_); }
  DeviceMaker::Order Order() const { return removals_.OrderAt(now_); }

  Removals removals_;
  TimePoint now_{seconds(1000)};
};

TEST_F(RemovalsTest, NothingIsOrderedBeforeTheKubeletWasAsked) {
  Find({"a"});
  now_ += 10 * kIdle;
  EXPECT_THAT(Order().remove, IsEmpty());
  EXPECT_THAT(Order().keep, IsEmpty()) << "new ones wait for the answer";
  EXPECT_EQ(removals_.NextDeadline(), std::nullopt);
}

TEST_F(RemovalsTest, ADeviceGoesWhenNobodyHasHadItForAWhile) {
  Find({"a"});
  Hold(Ids{});
  EXPECT_EQ(removals_.NextDeadline(), now_ + kIdle);
  now_ += kIdle - seconds(1);
  EXPECT_THAT(Order().remove, IsEmpty());
  EXPECT_THAT(Order().keep, IsEmpty());
  now_ += seconds(1);
  EXPECT_THAT(Order().remove, ElementsAre("a"));
}

TEST_F(RemovalsTest, ADeviceThatAPodHasStaysAndTheTimeCountsFromThePodsEnd) {
  Find({"a"});
  Hold(Ids{"a", "x"});
  now_ += 10 * kIdle;
  EXPECT_THAT(Order().remove, IsEmpty());
  EXPECT_THAT(Order().keep, ElementsAre("a"));
  EXPECT_EQ(removals_.NextDeadline(), std::nullopt);
  Hold(Ids{});
  EXPECT_THAT(Order().remove, IsEmpty());
  now_ += kIdle;
  EXPECT_THAT(Order().remove, ElementsAre("a"));
}

TEST_F(RemovalsTest, WithoutTheKubeletsWordNothingGoesAndNothingWaits) {
  Find({"a"});
  Hold(Ids{});
  Hold(std::nullopt);
  now_ += 10 * kIdle;
  EXPECT_THAT(Order().remove, IsEmpty());
  EXPECT_THAT(Order().keep, ElementsAre("a"));
  Hold(Ids{});
  EXPECT_THAT(Order().remove, IsEmpty()) << "who had it meanwhile?";
  now_ += kIdle;
  EXPECT_THAT(Order().remove, ElementsAre("a"));
}

TEST_F(RemovalsTest, ARefusalIsTriedAgainAndKeepsNothingFromBeingDone) {
  Find({"a"});
  Hold(Ids{});
  now_ += kIdle;
  Find({"a"}, {"a"});
  EXPECT_THAT(Order().remove, IsEmpty());
  EXPECT_THAT(Order().keep, ElementsAre("a"));
  EXPECT_EQ(removals_.NextDeadline(), now_ + kRetry);
  now_ += kRetry;
  EXPECT_THAT(Order().remove, ElementsAre("a"));
}

TEST_F(RemovalsTest, WhatIsGoneOrAskedForAgainIsForgotten) {
  Find({"a", "b"});
  Hold(Ids{});
  now_ += kIdle;
  Find({"b"}, {"a", "b"});
  Find({});
  EXPECT_TRUE(removals_.empty());
  Find({"b"});
  EXPECT_THAT(Order().remove, IsEmpty()) << "as if it had never been seen";
}

}  // namespace
}  // namespace nodedevice
