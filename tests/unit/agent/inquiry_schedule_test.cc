#include "agent/inquiry_schedule.h"

#include "gtest/gtest.h"
#include "lib/kube/api_error.h"

namespace nodedevice {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr TimePoint kSince = TimePoint() + hours(100);

// A pause and up to a quarter more.
void ExpectAbout(Duration pause, Duration expected) {
  EXPECT_GE(pause, expected);
  EXPECT_LE(pause, expected + expected / 4);
}

TEST(InquiryScheduleTest, AKubeletThatIsRestartedIsNotAskedAbout) {
  InquirySchedule schedule(1);
  EXPECT_EQ(schedule.NextDeadline(), std::nullopt);
  EXPECT_FALSE(schedule.Take(kSince));
  schedule.Down(kSince);
  EXPECT_FALSE(schedule.Take(kSince + seconds(14)));
  schedule.Up();
  EXPECT_EQ(schedule.NextDeadline(), std::nullopt);
  EXPECT_FALSE(schedule.Take(kSince + hours(1)));
}

TEST(InquiryScheduleTest, AsksAfterAWhileAndThenEverLessOften) {
  InquirySchedule schedule(1);
  schedule.Down(kSince);
  TimePoint now = kSince;
  for (const int pause : {15, 30, 60, 120, 240, 300, 300}) {
    ASSERT_TRUE(schedule.NextDeadline());
    ExpectAbout(*schedule.NextDeadline() - now, seconds(pause));
    now = *schedule.NextDeadline();
    EXPECT_FALSE(schedule.Take(now - seconds(1)));
    EXPECT_TRUE(schedule.Take(now));
    // One question at a time.
    EXPECT_EQ(schedule.NextDeadline(), std::nullopt);
    EXPECT_FALSE(schedule.Take(now + hours(1)));
    now += seconds(3);
    schedule.Down(kSince);
    schedule.Done(absl::OkStatus(), now);
  }
}

TEST(InquiryScheduleTest, AnOutageThatBeganLongAgoIsAskedAboutAtOnce) {
  InquirySchedule schedule(1);
  schedule.Down(kSince);
  EXPECT_TRUE(schedule.Take(kSince + hours(1)));
}

TEST(InquiryScheduleTest, EachOutageBeginsAnew) {
  InquirySchedule schedule(1);
  schedule.Down(kSince);
  for (int i = 0; i < 5; ++i) {
    const TimePoint now = *schedule.NextDeadline();
    ASSERT_TRUE(schedule.Take(now));
    schedule.Done(absl::OkStatus(), now);
  }
  schedule.Up();
  const TimePoint again = kSince + hours(2);
  schedule.Down(again);
  ExpectAbout(*schedule.NextDeadline() - again, seconds(15));
}

TEST(InquiryScheduleTest, AnAnswerOfAnEarlierOutageDoesNotPutOffTheNextQuestion) {
  InquirySchedule schedule(1);
  schedule.Down(kSince);
  ASSERT_TRUE(schedule.Take(*schedule.NextDeadline()));
  schedule.Up();
  const TimePoint again = kSince + minutes(1);
  schedule.Down(again);
  EXPECT_EQ(schedule.NextDeadline(), std::nullopt);  // the answer is still to come
  schedule.Done(absl::UnavailableError("away"), again + seconds(10));
  ASSERT_TRUE(schedule.NextDeadline());
  ExpectAbout(*schedule.NextDeadline() - again, seconds(15));
}

TEST(InquiryScheduleTest, AnApiThatIsAwayIsNotAskedMoreOften) {
  InquirySchedule schedule(1);
  schedule.Down(kSince);
  const TimePoint now = *schedule.NextDeadline();
  ASSERT_TRUE(schedule.Take(now));
  schedule.Done(absl::UnavailableError("away"), now);
  ExpectAbout(*schedule.NextDeadline() - now, seconds(30));
}

TEST(InquiryScheduleTest, WaitsAsLongAsTheServerAsksFor) {
  InquirySchedule schedule(1);
  schedule.Down(kSince);
  const TimePoint now = *schedule.NextDeadline();
  ASSERT_TRUE(schedule.Take(now));
  schedule.Done(ErrorOfAnswer("GET /x", 429, "", "200"), now);
  ExpectAbout(*schedule.NextDeadline() - now, seconds(200));
}

TEST(InquiryScheduleTest, NodesDoNotAskAtTheSameTime) {
  InquirySchedule one(1);
  InquirySchedule other(2000);
  one.Down(kSince);
  other.Down(kSince);
  EXPECT_NE(one.NextDeadline(), other.NextDeadline());
}

}  // namespace
}  // namespace nodedevice
