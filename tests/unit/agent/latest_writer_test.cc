#include "agent/latest_writer.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "lib/kube/api_error.h"

namespace nodedevice::testing {
namespace {

using nlohmann::json;
using std::chrono::seconds;

constexpr TimePoint kStart = TimePoint() + std::chrono::hours(100);
const absl::Status kDown = absl::UnavailableError("connection refused");

class LatestWriterTest : public ::testing::Test {
 protected:
  // Writes the newest version at `now`; false: there is nothing to write, or not yet.
  bool Write(TimePoint now, const absl::Status& outcome = absl::OkStatus()) {
    if (!writer_.Take(now)) return false;
    writer_.Done(outcome, now);
    return true;
  }

  LatestWriter writer_{1};
};

TEST_F(LatestWriterTest, HasNothingToWriteBeforeAVersionIsWanted) {
  EXPECT_FALSE(writer_.Take(kStart));
  EXPECT_FALSE(writer_.TakeLast());
  EXPECT_EQ(writer_.NextDeadline(), std::nullopt);
  EXPECT_TRUE(writer_.settled());
}

TEST_F(LatestWriterTest, WritesTheNewestOfManyAndOnlyThat) {
  for (const int version : {1, 2, 3}) writer_.Want(version);
  EXPECT_EQ(writer_.Take(kStart), json(3));
  writer_.Done(absl::OkStatus(), kStart);
  EXPECT_FALSE(writer_.Take(kStart));
  EXPECT_TRUE(writer_.settled());
}

TEST_F(LatestWriterTest, WritesOneAtATime) {
  writer_.Want(1);
  ASSERT_EQ(writer_.Take(kStart), json(1));
  EXPECT_TRUE(writer_.writing());
  EXPECT_FALSE(writer_.settled());
  writer_.Want(2);
  EXPECT_FALSE(writer_.Take(kStart + seconds(100)));
  EXPECT_FALSE(writer_.TakeLast());
  EXPECT_EQ(writer_.NextDeadline(), std::nullopt);
  writer_.Done(absl::OkStatus(), kStart);
  EXPECT_FALSE(writer_.writing());
  EXPECT_FALSE(writer_.settled());
  EXPECT_EQ(writer_.Take(kStart), json(2));
}

TEST_F(LatestWriterTest, WritesEqualVersionsOnce) {
  writer_.Want({{"a", 1}});
  ASSERT_TRUE(Write(kStart));
  writer_.Want({{"a", 1}});
  EXPECT_FALSE(Write(kStart + seconds(100)));
  // Also when it was another one in between that nobody wrote.
  writer_.Want({{"a", 2}});
  writer_.Want({{"a", 1}});
  EXPECT_FALSE(Write(kStart + seconds(100)));
  EXPECT_TRUE(writer_.settled());
}

TEST_F(LatestWriterTest, DoesNotWaitForAServerThatIsKnownToBeBack) {
  writer_.Want(1);
  TimePoint now = kStart;
  for (int failure = 0; failure < 8; ++failure) {
    ASSERT_TRUE(Write(now, kDown)) << failure;
    now = *writer_.NextDeadline();
  }
  ASSERT_TRUE(Write(now, kDown));
  EXPECT_FALSE(writer_.Take(now + seconds(59)));
  writer_.ServerIsBack();
  EXPECT_TRUE(Write(now));
  EXPECT_TRUE(writer_.settled());
}

TEST_F(LatestWriterTest, WaitsForAServerThatHasAskedForItThoughItIsBack) {
  writer_.Want(1);
  ASSERT_TRUE(Write(kStart, ErrorOfAnswer("PATCH /x", 429, "", "20")));
  writer_.ServerIsBack();
  EXPECT_FALSE(writer_.Take(kStart + seconds(19)));
  EXPECT_TRUE(Write(*writer_.NextDeadline(), kDown));
  // That was another failure, which asked for nothing.
  writer_.ServerIsBack();
  EXPECT_TRUE(Write(kStart + seconds(60)));
}

TEST_F(LatestWriterTest, WritesABurstOfFiveAndThenOneInFiveSeconds) {
  int version = 0;
  const auto write = [&](TimePoint now) {
    writer_.Want(++version);
    return Write(now);
  };
  for (int i = 0; i < LatestWriter::kBurst; ++i) EXPECT_TRUE(write(kStart)) << i;
  EXPECT_FALSE(write(kStart));
  EXPECT_EQ(writer_.NextDeadline(), kStart + seconds(5));
  EXPECT_FALSE(write(kStart + seconds(5) - Duration(1)));
  EXPECT_TRUE(write(kStart + seconds(5)));
  EXPECT_FALSE(write(kStart + seconds(9)));
  EXPECT_TRUE(write(kStart + seconds(10)));
  // The bucket fills again, and holds no more than five.
  const TimePoint later = kStart + std::chrono::hours(1);
  for (int i = 0; i < LatestWriter::kBurst; ++i) EXPECT_TRUE(write(later)) << i;
  EXPECT_FALSE(write(later));
}

TEST_F(LatestWriterTest, TriesAgainWithGrowingPausesUpToAMinuteAndAsMuchAgain) {
  writer_.Want(1);
  TimePoint now = kStart;
  std::set<Duration::rep> parts;
  for (const int pause : {1, 2, 4, 8, 16, 32, 60, 60, 60}) {
    ASSERT_TRUE(Write(now, kDown));
    const std::optional<TimePoint> next = writer_.NextDeadline();
    ASSERT_TRUE(next);
    // What the bucket asks for is less than five tries take.
    EXPECT_GE(*next, now + seconds(pause));
    EXPECT_LE(*next, now + 2 * seconds(pause));
    EXPECT_FALSE(writer_.Take(*next - Duration(1)));
    parts.insert((*next - now - seconds(pause)).count() / pause);
    now = *next;
  }
  EXPECT_GT(parts.size(), 5u) << "the random part is always the same";
  // A success forgives everything.
  ASSERT_TRUE(Write(now));
  writer_.Want(2);
  now += std::chrono::hours(1);
  ASSERT_TRUE(Write(now, kDown));
  EXPECT_LE(*writer_.NextDeadline(), now + seconds(2));
}

TEST_F(LatestWriterTest, WaitsAsLongAsTheServerAsksFor) {
  writer_.Want(1);
  ASSERT_TRUE(Write(kStart, ErrorOfAnswer("PATCH /x", 429, "", "30")));
  EXPECT_GE(*writer_.NextDeadline(), kStart + seconds(30));
  EXPECT_LE(*writer_.NextDeadline(), kStart + seconds(60));
}

TEST_F(LatestWriterTest, ANewerVersionDoesNotShortenThePause) {
  writer_.Want(1);
  ASSERT_TRUE(Write(kStart, kDown));
  writer_.Want(2);
  EXPECT_FALSE(writer_.Take(kStart + seconds(1) - Duration(1)));
  EXPECT_EQ(writer_.Take(kStart + seconds(2)), json(2));
}

TEST_F(LatestWriterTest, WritesAgainWhatAFailureMayHaveOverwritten) {
  writer_.Want(1);
  ASSERT_TRUE(Write(kStart));
  writer_.Want(2);
  // No answer: the server may have it or not.
  ASSERT_TRUE(Write(kStart, absl::DeadlineExceededError("no answer in time")));
  writer_.Want(1);
  EXPECT_FALSE(writer_.settled());
  EXPECT_EQ(writer_.Take(kStart + seconds(2)), json(1));
}

TEST_F(LatestWriterTest, TheLastIsWrittenWithoutWaiting) {
  for (int version = 0; version < LatestWriter::kBurst; ++version) {
    writer_.Want(version);
    ASSERT_TRUE(Write(kStart));
  }
  writer_.Want("last");
  ASSERT_FALSE(writer_.Take(kStart));
  EXPECT_EQ(writer_.TakeLast(), json("last"));
  writer_.Done(kDown, kStart);
  ASSERT_FALSE(writer_.Take(kStart));
  EXPECT_EQ(writer_.TakeLast(), json("last"));
  writer_.Done(absl::OkStatus(), kStart);
  EXPECT_TRUE(writer_.settled());
  EXPECT_FALSE(writer_.TakeLast());
}

}  // namespace
}  // namespace nodedevice::testing
