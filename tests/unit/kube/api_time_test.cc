#include "lib/kube/api_time.h"

#include "gtest/gtest.h"

namespace nodedevice::testing {
namespace {

using std::chrono::microseconds;
using std::chrono::seconds;

// 2026-01-02T03:04:05.000006Z
constexpr WallTime kWall = WallTime() + seconds(1767323045) + microseconds(6);

TEST(ApiTimeTest, IsReadAndWrittenInWholeSeconds) {
  EXPECT_EQ(ApiTime(ReadApiTime("2026-01-02T03:04:05Z")), "2026-01-02T03:04:05Z");
  EXPECT_EQ(ApiTime(ReadApiTime("2026-01-02T05:04:05.9+02:00")), "2026-01-02T03:04:05Z");
  EXPECT_EQ(ReadApiTime("yesterday"), WallSeconds());
  EXPECT_EQ(ReadApiTime(""), WallSeconds());
}

TEST(MicroTimeTest, HasSixDigitsAlways) {
  EXPECT_EQ(MicroTime(kWall), "2026-01-02T03:04:05.000006Z");
  EXPECT_EQ(MicroTime(WallTime()), "1970-01-01T00:00:00.000000Z");
  EXPECT_EQ(MicroTime(kWall + std::chrono::nanoseconds(999)), "2026-01-02T03:04:05.000006Z");
  EXPECT_EQ(MicroTime(kWall - microseconds(7)), "2026-01-02T03:04:04.999999Z");
  EXPECT_EQ(MicroTime(WallTime::max()).size(), MicroTime(kWall).size());
  EXPECT_EQ(MicroTime(WallTime::min()).size(), MicroTime(kWall).size());
}

}  // namespace
}  // namespace nodedevice::testing
