#include "devicemanager/faults.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace nodedevice::devicemanager {
namespace {

using ::testing::HasSubstr;

std::string Error(std::string_view name, std::string_view value) {
  Faults faults;
  const absl::Status status = SetFault(name, value, faults);
  EXPECT_EQ(faults.refuse_dial, Faults().refuse_dial) << "half set";
  return std::string(status.message());
}

TEST(FaultsTest, AHealthyKubeletHasNone) { EXPECT_EQ(ToJson(Faults()).dump(), "{}"); }

TEST(FaultsTest, SwitchesAreShownWhileTheyAreNotAsInAKubelet) {
  Faults faults;
  for (const char* name : {"refuse-dial", "refuse-duplicates"}) {
    ASSERT_TRUE(SetFault(name, "on", faults).ok());
  }
  ASSERT_TRUE(SetFault("old-stream-race", "off", faults).ok());
  EXPECT_EQ(ToJson(faults).dump(),
            R"({"refuse-dial":"on","old-stream-race":"off","refuse-duplicates":"on"})");
  for (const char* name : {"refuse-dial", "refuse-duplicates"}) {
    ASSERT_TRUE(SetFault(name, "off", faults).ok());
  }
  ASSERT_TRUE(SetFault("old-stream-race", "on", faults).ok());
  EXPECT_EQ(faults, Faults());
}

TEST(FaultsTest, EveryCallCanBeSlowOrHang) {
  Faults faults;
  ASSERT_TRUE(SetFault("slow-register", "1500ms", faults).ok());
  ASSERT_TRUE(SetFault("slow-list-and-watch", "hang", faults).ok());
  EXPECT_EQ(faults.DelayOf(Rpc::kRegister), std::chrono::milliseconds(1500));
  EXPECT_EQ(faults.DelayOf(Rpc::kListAndWatch), kHang);
  EXPECT_EQ(faults.DelayOf(Rpc::kAllocate), Duration::zero());
  EXPECT_EQ(ToJson(faults).dump(), R"({"slow-register":"1.5s","slow-list-and-watch":"hang"})");
  ASSERT_TRUE(SetFault("slow-register", "off", faults).ok());
  EXPECT_EQ(ToJson(faults).dump(), R"({"slow-list-and-watch":"hang"})");
  for (const char* name : {"slow-get-options", "slow-get-preferred", "slow-allocate",
                           "slow-pre-start", "slow-pod-resources"}) {
    ASSERT_TRUE(SetFault(name, "1s", faults).ok());
    EXPECT_EQ(ToJson(faults)[name], "1s");
  }
}

TEST(FaultsTest, WhatIsNotAFaultOrAValueIsNamed) {
  EXPECT_THAT(Error("earthquake", "on"), HasSubstr("'earthquake' is not a fault; there are refuse-"
                                                   "dial, old-stream-race"));
  EXPECT_THAT(Error("earthquake", "on"), HasSubstr("slow-pod-resources"));
  EXPECT_EQ(Error("refuse-dial", "yes"), "refuse-dial: 'yes' is not on or off");
  EXPECT_THAT(Error("slow-register", "on"), HasSubstr("slow-register: 'on' is not off, hang or"));
}

TEST(FaultsTest, ATimeHasAUnitAndIsAtMostADay) {
  EXPECT_EQ(*ParseTime("5m"), std::chrono::minutes(5));
  EXPECT_EQ(*ParseTime("1h30m"), std::chrono::minutes(90));
  EXPECT_EQ(*ParseTime("24h"), std::chrono::hours(24));
  EXPECT_EQ(*ParseTime("0"), Duration::zero());
  for (const char* time : {"", "5", "-1s", "24h1ns", "inf", "five", "1e300h", "5 m"}) {
    EXPECT_THAT(std::string(ParseTime(time).status().message()),
                HasSubstr("is not a time such as 5m"))
        << time;
  }
}

}  // namespace
}  // namespace nodedevice::devicemanager
