#include "lib/kube/lease_record.h"

#include <limits>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace nodedevice::testing {
namespace {

using Json = nlohmann::json;
using State = LeaseRecord::State;
using std::chrono::microseconds;
using std::chrono::seconds;

// 2026-01-02T03:04:05.000006Z
constexpr WallTime kWall = WallTime() + seconds(1767323045) + microseconds(6);

LeaseRecord Read(const std::string& spec) { return ReadLease({{"spec", Json::parse(spec)}}); }

TEST(LeaseRecordTest, ReadsWhoHasTheLeaseAndForHowLong) {
  EXPECT_EQ(Read(R"({"holderIdentity":"a_1","leaseDurationSeconds":137,"leaseTransitions":3})"),
            (LeaseRecord{State::kHeld, "a_1", seconds(137)}));
}

TEST(LeaseRecordTest, GivenBackIsNoHolderAndADurationOfOne) {
  const LeaseRecord released = {State::kReleased, "", seconds(1)};
  EXPECT_EQ(Read(R"({"holderIdentity":"","leaseDurationSeconds":1})"), released);
  EXPECT_EQ(Read(R"({"leaseDurationSeconds":1,"renewTime":"x"})"), released);
  EXPECT_EQ(Read(R"({"holderIdentity":null,"leaseDurationSeconds":1})"), released);
  EXPECT_EQ(Read(R"({"holderIdentity":7,"leaseDurationSeconds":1})").state, State::kHeld);
  EXPECT_EQ(Read(R"({"holderIdentity":"","leaseDurationSeconds":137})").state, State::kHeld);
  EXPECT_EQ(Read(R"({"holderIdentity":"a","leaseDurationSeconds":1})").state, State::kHeld);
}

TEST(LeaseRecordTest, ALeaseThatSaysNothingWasNeverHeld) {
  EXPECT_EQ(ReadLease(Json::object()), LeaseRecord());
  EXPECT_EQ(Read("null"), LeaseRecord());
  EXPECT_EQ(Read("{}"), LeaseRecord());
  EXPECT_EQ(Read(R"({"strategy":"OldestEmulationVersion"})"), LeaseRecord());
  for (const char* trace : {R"({"renewTime":"x"})", R"({"acquireTime":"x"})",
                            R"({"leaseTransitions":0})", R"({"holderIdentity":""})"}) {
    EXPECT_EQ(Read(trace), (LeaseRecord{State::kHeld})) << trace;
  }
}

TEST(LeaseRecordTest, WhatMakesNoSenseIsHeldBySomebody) {
  for (const char* spec : {"7", "\"x\"", "[]", "true", R"({"holderIdentity":["a"]})",
                           R"({"holderIdentity":{"a":1}})", R"({"holderIdentity":false})"}) {
    EXPECT_EQ(Read(spec), (LeaseRecord{State::kHeld})) << spec;
  }
  for (const Json& lease : {Json(), Json(7), Json("x"), Json::array({1}), Json(true)}) {
    EXPECT_EQ(ReadLease(lease), LeaseRecord()) << lease;
  }
}

TEST(LeaseRecordTest, ADurationThatMakesNoSenseIsNone) {
  for (const char* duration : {"0", "-1", "-9223372036854775808", "137.0", "\"137\"", "[137]", "{}",
                               "null", "true", "1e300"}) {
    EXPECT_EQ(
        Read(std::string(R"({"holderIdentity":"a","leaseDurationSeconds":)") + duration + "}"),
        (LeaseRecord{State::kHeld, "a"}))
        << duration;
  }
}

TEST(LeaseRecordTest, NoDurationIsLongerThanAnHour) {
  for (const char* duration : {"3600", "3601", "9223372036854775807", "18446744073709551615"}) {
    EXPECT_EQ(
        Read(std::string(R"({"holderIdentity":"a","leaseDurationSeconds":)") + duration + "}"),
        (LeaseRecord{State::kHeld, "a", seconds(3600)}))
        << duration;
  }
}

TEST(LeaseRecordTest, TheNewOneIsComplete) {
  EXPECT_EQ(NewLease("ns", "controller", "a_1", seconds(137), kWall), Json::parse(R"({
    "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
    "metadata": {"namespace": "ns", "name": "controller"},
    "spec": {"holderIdentity": "a_1", "leaseDurationSeconds": 137, "leaseTransitions": 0,
             "acquireTime": "2026-01-02T03:04:05.000006Z",
             "renewTime": "2026-01-02T03:04:05.000006Z"}})"));
}

class WrittenLeaseTest : public ::testing::Test {
 protected:
  // What is changed of a lease that stands there.
  static Json Before() {
    return Json::parse(R"({
      "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "more": [1],
      "metadata": {"name": "controller", "resourceVersion": "7", "labels": {"a": "b"}},
      "spec": {"holderIdentity": "b_2", "leaseDurationSeconds": 15, "leaseTransitions": 3,
               "acquireTime": "old", "renewTime": "old", "strategy": "new in a later version"}})");
  }
  static Json With(const Json& spec) {
    Json lease = Before();
    lease["spec"].update(spec);
    return lease;
  }
  const std::string now_ = MicroTime(kWall);
};

TEST_F(WrittenLeaseTest, TheTakenOneHasAnotherHolder) {
  EXPECT_EQ(TakenLease(Before(), "a_1", seconds(137), kWall), With({{"holderIdentity", "a_1"},
                                                                    {"leaseDurationSeconds", 137},
                                                                    {"leaseTransitions", 4},
                                                                    {"acquireTime", now_},
                                                                    {"renewTime", now_}}));
}

TEST_F(WrittenLeaseTest, TheRenewedOneHasAnotherTime) {
  EXPECT_EQ(RenewedLease(Before(), "b_2", seconds(137), kWall),
            With({{"holderIdentity", "b_2"}, {"leaseDurationSeconds", 137}, {"renewTime", now_}}));
}

TEST_F(WrittenLeaseTest, TheReleasedOneHasNoHolderAndIsOverInASecond) {
  EXPECT_EQ(ReleasedLease(Before(), kWall),
            With({{"holderIdentity", ""}, {"leaseDurationSeconds", 1}, {"renewTime", now_}}));
  EXPECT_EQ(ReadLease(ReleasedLease(Before(), kWall)).state, State::kReleased);
}

TEST_F(WrittenLeaseTest, ARenewalIsAChangeThoughTheClockStands) {
  Json lease = Before();
  for (int i = 0; i < 4; ++i) {
    Json next = RenewedLease(lease, "b_2", seconds(137), kWall);
    EXPECT_NE(next, lease);
    lease = std::move(next);
  }
}

TEST_F(WrittenLeaseTest, WhatMakesNoSenseIsPutRight) {
  for (const Json& garbage : {Json(7), Json("x"), Json::array(), Json(nullptr)}) {
    Json lease = Before();
    lease["spec"] = garbage;
    const Json taken = TakenLease(lease, "a_1", seconds(137), kWall);
    EXPECT_EQ(ReadLease(taken), (LeaseRecord{State::kHeld, "a_1", seconds(137)})) << garbage;
    EXPECT_EQ(taken["spec"]["leaseTransitions"], 1);
  }
  const auto transitions_after = [](const Json& before) {
    return TakenLease(With({{"leaseTransitions", before}}), "a_1", seconds(137),
                      kWall)["spec"]["leaseTransitions"];
  };
  EXPECT_EQ(transitions_after(-5), 1);
  EXPECT_EQ(transitions_after("many"), 1);
  EXPECT_EQ(transitions_after(2147483646), 2147483647);
  EXPECT_EQ(transitions_after(2147483647), 2147483647) << "an int32 to the API";
  EXPECT_EQ(transitions_after(std::numeric_limits<std::uint64_t>::max()), 2147483647);
  const Json renewed = RenewedLease(With({{"leaseTransitions", -1}, {"acquireTime", 5}}), "b_2",
                                    seconds(137), kWall);
  EXPECT_EQ(renewed["spec"]["leaseTransitions"], 0);
  EXPECT_EQ(renewed["spec"]["acquireTime"], now_);
}

}  // namespace
}  // namespace nodedevice::testing
