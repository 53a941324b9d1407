#include "plugin/health_tracker.h"

#include <gtest/gtest.h>

namespace nodedevice {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

Device Node(const std::string& path) {
  return {.problem = "", .numa_nodes = {}, .nodes = {{path, "", "rw"}}, .mounts = {}};
}

constexpr TimePoint kStart = TimePoint{} + hours(5);

TEST(HealthTrackerTest, AVanishedDeviceStaysAsUnhealthyWithItsReason) {
  HealthTracker tracker(seconds(0));
  const DeviceSet first =
      tracker.Update({}, {{"a", Node("/dev/a")}, {"b", Node("/dev/b")}}, kStart);
  EXPECT_EQ(first.size(), 2u);
  const DeviceSet second = tracker.Update(first, {{"b", Node("/dev/b")}}, kStart);
  EXPECT_EQ(second.at("a").problem, "/dev/a is gone");
  EXPECT_EQ(second.at("b").problem, "");
}

TEST(HealthTrackerTest, SeveralNodesAreAllNamed) {
  HealthTracker tracker(seconds(0));
  Device card = Node("/dev/x");
  card.nodes.push_back({"/dev/y", "", "rw"});
  const DeviceSet second = tracker.Update({{"c", card}}, {}, kStart);
  EXPECT_EQ(second.at("c").problem, "not all of /dev/x, /dev/y are there");
}

TEST(HealthTrackerTest, AReturnedDeviceIsHealthyAtOnceByDefault) {
  HealthTracker tracker(seconds(0));
  const DeviceSet all = {{"a", Node("/dev/a")}};
  const DeviceSet gone = tracker.Update(all, {}, kStart);
  EXPECT_EQ(tracker.Update(gone, all, kStart + seconds(1)), all);
  EXPECT_FALSE(tracker.NextDeadline().has_value());
}

TEST(HealthTrackerTest, AVanishedDeviceIsForgottenAfterAnHour) {
  HealthTracker tracker(seconds(0));
  DeviceSet announced = tracker.Update({{"a", Node("/dev/a")}}, {}, kStart);
  EXPECT_EQ(tracker.NextDeadline(), kStart + kRemembered);
  announced = tracker.Update(announced, {}, kStart + kRemembered - seconds(1));
  EXPECT_EQ(announced.size(), 1u);
  announced = tracker.Update(announced, {}, kStart + kRemembered);
  EXPECT_TRUE(announced.empty());
  EXPECT_FALSE(tracker.NextDeadline().has_value());
}

TEST(HealthTrackerTest, RecoverKeepsAFlappingDeviceUnhealthyUntilItWasWellForLongEnough) {
  HealthTracker tracker(seconds(10));
  const DeviceSet all = {{"a", Node("/dev/a")}};
  DeviceSet announced = tracker.Update(all, {}, kStart);
  announced = tracker.Update(announced, all, kStart + seconds(1));
  EXPECT_FALSE(announced.at("a").healthy());
  EXPECT_EQ(tracker.NextDeadline(), kStart + seconds(11));
  announced = tracker.Update(announced, {}, kStart + seconds(5));  // flaps: the clock starts anew
  announced = tracker.Update(announced, all, kStart + seconds(6));
  announced = tracker.Update(announced, all, kStart + seconds(12));
  EXPECT_FALSE(announced.at("a").healthy());
  announced = tracker.Update(announced, all, kStart + seconds(16));
  EXPECT_TRUE(announced.at("a").healthy());
}

TEST(HealthTrackerTest, ANewDeviceIsHealthyAtOnceEvenWithRecover) {
  HealthTracker tracker(seconds(10));
  EXPECT_TRUE(tracker.Update({}, {{"a", Node("/dev/a")}}, kStart).at("a").healthy());
}

TEST(HealthTrackerTest, TheScansOwnReasonIsKept) {
  HealthTracker tracker(seconds(0));
  Device file = Node("/dev/a");
  file.problem = "/dev/a is a file, not a device node";
  EXPECT_EQ(tracker.Update({{"a", Node("/dev/a")}}, {{"a", file}}, kStart).at("a").problem,
            file.problem);
}

}  // namespace
}  // namespace nodedevice
