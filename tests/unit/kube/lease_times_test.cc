#include "lib/kube/lease_times.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace nodedevice::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(LeaseTimesTest, BothSetsHoldWhatIsChecked) {
  EXPECT_EQ(*LeaseTimes::Of(seconds(137), seconds(107), seconds(26)), LeaseTimes());
  EXPECT_EQ(*LeaseTimes::Of(seconds(270), seconds(240), seconds(60)), LeaseTimes::OfSingleNode());
}

TEST(LeaseTimesTest, TheLeaseOutlivesTheLeaderAndTheLeaderTriesTwice) {
  EXPECT_TRUE(LeaseTimes::Of(seconds(14), seconds(13), milliseconds(10'833)).ok());
  EXPECT_FALSE(LeaseTimes::Of(seconds(13), seconds(13), seconds(1)).ok());
  EXPECT_FALSE(LeaseTimes::Of(seconds(12), seconds(13), seconds(1)).ok());
  EXPECT_FALSE(LeaseTimes::Of(seconds(14), seconds(12), seconds(10)).ok()) << "exactly 1.2 times";
  EXPECT_FALSE(LeaseTimes::Of(seconds(14), seconds(12), seconds(12)).ok());
}

TEST(LeaseTimesTest, NoneOfThemIsAbsurd) {
  EXPECT_TRUE(LeaseTimes::Of(seconds(3600), seconds(60), seconds(1)).ok());
  EXPECT_FALSE(LeaseTimes::Of(seconds(3601), seconds(60), seconds(1)).ok());
  EXPECT_FALSE(LeaseTimes::Of(seconds::max(), seconds(60), seconds(1)).ok());
  EXPECT_FALSE(LeaseTimes::Of(seconds(60), seconds(30), seconds(0)).ok());
  EXPECT_FALSE(LeaseTimes::Of(seconds(60), seconds(30), seconds(-1)).ok());
  EXPECT_FALSE(LeaseTimes::Of(seconds(60), Duration::min(), Duration::min()).ok());
  EXPECT_FALSE(LeaseTimes::Of(seconds(60), Duration::max(), Duration::max()).ok());
}

TEST(LeaseTimesTest, TheErrorSaysWhatTheRuleIs) {
  const absl::Status status = LeaseTimes::Of(seconds(15), seconds(20), milliseconds(1500)).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(),
            "a lease of 15 s that is renewed within 20 s, every 1.5 s, cannot be: the lease must "
            "be at most 3600 s and longer than the time to renew it, which must be more than 1.2 "
            "times the time between two tries");
}

}  // namespace
}  // namespace nodedevice::testing
