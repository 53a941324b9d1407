#include "lib/kube/api_event.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace nodedevice::testing {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr TimePoint kNow{std::chrono::hours(1000)};
const nlohmann::json kRegarding = {{"apiVersion", "nodedevices.io/v1alpha1"},
                                   {"kind", "DevicePluginConfig"},
                                   {"name", "worker"},
                                   {"uid", "u1"}};

nlohmann::json Rendered(const ApiEvent& event, const nlohmann::json& regarding = kRegarding) {
  return RenderEvent(event, {"nodedevices.io/node-device-controller", "pod-1"}, regarding,
                     WallTime(seconds(1)), 1);
}

TEST(RenderEventTest, SaysWhatHappenedAboutWhatAndWho) {
  EXPECT_EQ(Rendered({true, "Down", "Waiting", "It is down.", "x"}), nlohmann::json::parse(R"({
              "apiVersion": "events.k8s.io/v1", "kind": "Event",
              "metadata": {"name": "worker.3b9aca01", "namespace": "default"},
              "eventTime": "1970-01-01T00:00:01.000000Z", "type": "Warning", "reason": "Down",
              "action": "Waiting", "note": "It is down.",
              "regarding": {"apiVersion": "nodedevices.io/v1alpha1", "kind": "DevicePluginConfig",
                            "name": "worker", "uid": "u1"},
              "reportingController": "nodedevices.io/node-device-controller",
              "reportingInstance": "pod-1"})"));
  EXPECT_EQ(Rendered({false, "Up", "Going", "It is up.", ""})["type"], "Normal");
}

TEST(RenderEventTest, CutsWhatTheApiDoesNotTake) {
  const nlohmann::json event =
      Rendered({true, "Down", "Waiting", std::string(1023, 'x') + "\u00e9", ""},
               {{"name", std::string(199, 'n') + ".n"}});
  EXPECT_EQ(event["note"], std::string(1023, 'x'));
  EXPECT_EQ(event["metadata"]["name"], std::string(199, 'n') + ".3b9aca01");
}

class EventThrottleTest : public ::testing::Test {
 protected:
  // The note as it is told; empty: held back.
  std::string Note(const std::string& reason, const std::string& about, TimePoint now) {
    ApiEvent event = {true, reason, "Waiting", "it happened", about};
    return throttle_.Admit(event, now) ? event.note : "";
  }
  EventThrottle throttle_;
};

TEST_F(EventThrottleTest, LetsOneOfAKindThroughInFiveMinutesAndTheNextSaysHowMany) {
  EXPECT_EQ(Note("Down", "", kNow), "it happened");
  EXPECT_EQ(Note("Down", "", kNow + seconds(1)), "");
  EXPECT_EQ(Note("Down", "", kNow + minutes(5) - Duration(1)), "");
  EXPECT_EQ(Note("Down", "", kNow + minutes(12)), "it happened (2 more in the last 12 min)");
  EXPECT_EQ(Note("Down", "", kNow + minutes(13)), "");
  // What was told is counted once.
  EXPECT_EQ(Note("Down", "", kNow + minutes(18)), "it happened (1 more in the last 6 min)");
  EXPECT_EQ(Note("Down", "", kNow + minutes(23)), "it happened");
}

TEST_F(EventThrottleTest, KindsDoNotHoldEachOtherBack) {
  EXPECT_EQ(Note("PluginCrashLooping", "a", kNow), "it happened");
  EXPECT_EQ(Note("PluginCrashLooping", "b", kNow), "it happened");
  EXPECT_EQ(Note("PluginRecovered", "a", kNow), "it happened");
  EXPECT_EQ(Note("PluginCrashLooping", "a", kNow), "");
}

TEST_F(EventThrottleTest, RemembersWhatIsNewWhenItForgetsOldKinds) {
  for (int i = 0; i < 1024; ++i) Note("PluginCrashLooping", std::to_string(i), kNow);
  const TimePoint later = kNow + minutes(6);
  EXPECT_EQ(Note("PluginCrashLooping", "new", later), "it happened");
  EXPECT_EQ(Note("PluginCrashLooping", "new", later), "");
  EXPECT_EQ(Note("PluginCrashLooping", "1", later), "it happened");
}

}  // namespace
}  // namespace nodedevice::testing
