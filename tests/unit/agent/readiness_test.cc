#include "agent/readiness.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/agent/sample_snapshot.h"

namespace nodedevice::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(ReadinessTest, IsGivenWhenAllIsWell) {
  EXPECT_THAT(NotReadyReasons(HealthyNode()), IsEmpty());
}

TEST(ReadinessTest, IsGivenWithAnUnhealthyDeviceAndWithALaterRejectedConfiguration) {
  Snapshot snapshot = HealthyNode();
  snapshot.config.error = "wrong";
  EXPECT_THAT(NotReadyReasons(snapshot), IsEmpty());
}

TEST(ReadinessTest, IsGivenWithNoPluginAtAll) {
  Snapshot snapshot = HealthyNode();
  snapshot.plugins.clear();
  EXPECT_THAT(NotReadyReasons(snapshot), IsEmpty());
}

TEST(ReadinessTest, NamesEveryReason) {
  Snapshot snapshot = HealthyNode();
  snapshot.config.accepted = false;
  snapshot.config.error = "/etc/plugins.yaml: No such file or directory";
  snapshot.device_manager.up = false;
  snapshot.device_manager.problem = "kubelet.sock does not exist";
  snapshot.plugins[0].phase = PluginPhase::kHeld;
  snapshot.plugins[0].held_by = "the Device Manager";
  snapshot.plugins[1].phase = PluginPhase::kBackingOff;
  snapshot.plugins[1].last_exit = "exited with 1";
  snapshot.plugins[1].failures = 2;
  snapshot.stopping = true;
  EXPECT_THAT(
      NotReadyReasons(snapshot),
      ElementsAre("the agent is stopping",
                  "no configuration was accepted yet: /etc/plugins.yaml: No such file or directory",
                  "the Device Manager is down: kubelet.sock does not exist",
                  "plugin kvm: Held, waits for the Device Manager",
                  "plugin vendor: BackingOff, exited with 1, 2 failures in a row"));
}

TEST(ReadinessTest, SaysWhatTheApiSaysOfAMissingDeviceManager) {
  Snapshot snapshot = HealthyNode();
  snapshot.device_manager.up = false;
  snapshot.device_manager.problem = "Connection refused";
  snapshot.device_manager.explanation = {"node w7 is being updated", "the pool is paused"};
  EXPECT_THAT(NotReadyReasons(snapshot),
              ElementsAre("the Device Manager is down: Connection refused",
                          "node w7 is being updated", "the pool is paused"));
}

TEST(ReadinessTest, NamesTheApiServerWhenItIsWhyThereIsNoConfiguration) {
  Snapshot snapshot = HealthyNode();
  snapshot.config.stale = "connection refused";
  EXPECT_THAT(NotReadyReasons(snapshot), IsEmpty());
  snapshot.config.accepted = false;
  EXPECT_THAT(NotReadyReasons(snapshot),
              ElementsAre("no configuration was accepted yet: connection refused"));
}

TEST(ReadinessTest, SaysWhichResourceIsNotRegistered) {
  Snapshot snapshot = HealthyNode();
  snapshot.plugins[0].phase = PluginPhase::kStarting;
  snapshot.plugins[0].resources[0].phase = RegistrationPhase::kWaiting;
  snapshot.plugins[0].resources[0].error = "the kubelet refused";
  const auto reasons = NotReadyReasons(snapshot);
  ASSERT_EQ(reasons.size(), 1u);
  EXPECT_THAT(reasons[0],
              ::testing::AllOf(::testing::StartsWith("plugin kvm: Starting, example.com/kvm is "),
                               ::testing::EndsWith(": the kubelet refused")));
}

TEST(ReadinessTest, SaysWhatTheKubeletDoesNotListOfAForeignPlugin) {
  Snapshot snapshot = HealthyNode();
  snapshot.plugins[1].phase = PluginPhase::kStarting;
  snapshot.plugins[1].note = "the kubelet does not list it";
  EXPECT_THAT(NotReadyReasons(snapshot),
              ElementsAre("plugin vendor: Starting, the kubelet does not list it"));
}

TEST(LivenessTest, IsLostWhenTheLoopHangs) {
  const Snapshot snapshot = HealthyNode();
  EXPECT_THAT(NotAliveReasons(snapshot, kNow + std::chrono::seconds(59)), IsEmpty());
  EXPECT_THAT(NotAliveReasons(snapshot, kNow + std::chrono::seconds(61)),
              ElementsAre("the event loop has not come round for 61 s"));
}

}  // namespace
}  // namespace nodedevice::testing
