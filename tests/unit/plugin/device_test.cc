#include "plugin/device.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugin/natural_order.h"
#include "plugin/own_sockets.h"
#include "plugin/rate_gate.h"

namespace nodedevice {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(DeviceIdTest, IsReadableStableAndDifferentPerIdentity) {
  const std::string id = MakeDeviceId("ttyUSB0", "example.com/a\n/dev/ttyUSB0");
  EXPECT_THAT(id, ::testing::MatchesRegex("ttyUSB0-[0-9a-f]{12}"));
  EXPECT_EQ(id, MakeDeviceId("ttyUSB0", "example.com/a\n/dev/ttyUSB0"));
  EXPECT_NE(id, MakeDeviceId("ttyUSB0", "example.com/b\n/dev/ttyUSB0"));
}

TEST(DeviceIdTest, StaysWithinTheDocumentedLengthAndAlphabet) {
  const std::string id = MakeDeviceId(std::string(200, 'x') + "/ ::", "y");
  EXPECT_LE(id.size(), 63u);
  EXPECT_THAT(MakeDeviceId("a b:c/d", "y"), ::testing::StartsWith("a-b-c-d-"));
}

TEST(DeviceIdTest, ReplicasAreNumberedAndFindTheirDevice) {
  EXPECT_EQ(ReplicaId("a", 0, 1), "a");
  EXPECT_EQ(ReplicaId("a", 2, 3), "a::2");
  EXPECT_EQ(BaseId("a::2"), "a");
  EXPECT_EQ(BaseId("a"), "a");
}

TEST(NaturalOrderTest, CountsAsPeopleDo) {
  const std::vector<std::string> ordered = {"",     "a",    "a1",    "a2",  "a2b", "a10",
                                            "a010", "a100", "a100b", "b01", "b1"};
  const NaturalLess less;
  for (std::size_t i = 0; i < ordered.size(); ++i) {
    for (std::size_t j = 0; j < ordered.size(); ++j) {
      if (ordered[i] == "a10" || ordered[i] == "a010") continue;  // equal numbers: below
      if (ordered[j] == "a10" || ordered[j] == "a010") continue;
      EXPECT_EQ(less(ordered[i], ordered[j]), i < j) << ordered[i] << " < " << ordered[j];
    }
  }
  EXPECT_NE(less("a10", "a010"), less("a010", "a10"));
  EXPECT_FALSE(less("a10", "a10"));
}

TEST(RateGateTest, LetsABurstThroughAndThenOnePerInterval) {
  RateGate gate(milliseconds(0), 3, milliseconds(200));
  TimePoint now = TimePoint{} + seconds(100);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(gate.Wait(now), Duration::zero()) << i;
    gate.Pass(now);
  }
  EXPECT_EQ(gate.Wait(now), milliseconds(200));
  now += milliseconds(150);
  EXPECT_EQ(gate.Wait(now), milliseconds(50));
  now += milliseconds(50);
  EXPECT_EQ(gate.Wait(now), Duration::zero());
}

TEST(RateGateTest, WhatComesWithinTheSpacingWaitsForItsEnd) {
  RateGate gate(milliseconds(5), 100, milliseconds(200));
  const TimePoint now = TimePoint{} + seconds(100);
  EXPECT_EQ(gate.Wait(now), Duration::zero());
  gate.Pass(now);
  EXPECT_EQ(gate.Wait(now + milliseconds(2)), milliseconds(3));
  EXPECT_EQ(gate.Wait(now + milliseconds(5)), Duration::zero());
}

TEST(RateGateTest, TheBurstComesBackWithTime) {
  RateGate gate(milliseconds(0), 2, milliseconds(200));
  TimePoint now = TimePoint{} + seconds(100);
  gate.Pass(now);
  gate.Pass(now);
  now += seconds(1);
  gate.Pass(now);
  EXPECT_EQ(gate.Wait(now), Duration::zero());
}

TEST(OwnSocketsTest, NamesDifferPerStartAndResourceAndAreShort) {
  const OwnSockets a("/k/device-plugins", "example.com/a");
  const OwnSockets b("/k/device-plugins", "example.com/b");
  EXPECT_NE(a.NameFor(1), a.NameFor(2));
  EXPECT_NE(a.NameFor(1), b.NameFor(1));
  // /var/lib/kubelet/device-plugins/ has 32 characters, a socket path 107.
  EXPECT_LE(a.NameFor(1'000'000).size(), 60u);
  EXPECT_EQ(a.PathFor(1).parent_path(), "/k/device-plugins");
}

}  // namespace
}  // namespace nodedevice
