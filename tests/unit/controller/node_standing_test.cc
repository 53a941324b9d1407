#include "controller/node_standing.h"

#include "gtest/gtest.h"

namespace nodedevice {
namespace {

using Kind = NodeStanding::Kind;
using std::chrono::minutes;

const WallSeconds kNow = ReadApiTime("2026-01-02T12:00:00Z");

// A node, its agent and what is known of both: all is well unless a test says otherwise.
struct Scene {
  ObservedNode node{.name = "w1", .created = kNow - minutes(60)};
  ObservedState state{.node = "w1",
                      .config_uid = "c1",
                      .generation = 2,
                      .pod = "agent-1",
                      .device_manager_up = true,
                      .ready = true,
                      .reason = "AllRegistered"};
  ObservedPod pod{.name = "agent-1", .node = "w1", .created = kNow - minutes(1)};
  StandingContext context{.config_uid = "c1",
                          .generation = 2,
                          .tolerations = nlohmann::json::array(),
                          .daemon_set = "ns/agent",
                          .deployed = kNow - minutes(60),
                          .now = kNow};
  bool has_state = true;
  bool has_pod = true;

  NodeStanding Standing() const {
    std::vector<const ObservedPod*> pods;
    if (has_pod) pods.push_back(&pod);
    return StandingOf(node, has_state ? &state : nullptr, pods, context);
  }
  void NotReady(const std::string& reason, WallSeconds since) {
    state.ready = false;
    state.reason = reason;
    state.ready_since = since;
  }
};

TEST(NodeStandingTest, AllIsWell) {
  const NodeStanding standing = Scene().Standing();
  EXPECT_EQ(standing.kind, Kind::kReady);
  EXPECT_TRUE(standing.alive && standing.verified && standing.up_to_date);
}

TEST(NodeStandingTest, OnTheWayFailsAfterAWhile) {
  Scene scene;
  scene.NotReady("PluginStarting", kNow - minutes(2));
  NodeStanding standing = scene.Standing();
  EXPECT_EQ(standing.kind, Kind::kOnTheWay);
  EXPECT_EQ(standing.reason, "PluginStarting");
  EXPECT_EQ(standing.fails_at, kNow + minutes(3));
  scene.context.now = *standing.fails_at;
  EXPECT_EQ(scene.Standing().kind, Kind::kFailing);
  EXPECT_TRUE(scene.Standing().verified);
}

TEST(NodeStandingTest, ACrashLoopFailsAtOnce) {
  Scene scene;
  scene.NotReady("PluginCrashLooping", kNow);
  EXPECT_EQ(scene.Standing().kind, Kind::kFailing);
}

TEST(NodeStandingTest, ARefusedConfigurationFailsAtOnce) {
  Scene scene;
  scene.state.config_error = "spec.x: wrong";
  EXPECT_EQ(scene.Standing().reason, "ConfigurationRefused");
  EXPECT_EQ(scene.Standing().kind, Kind::kFailing);
  EXPECT_FALSE(scene.Standing().up_to_date);
}

TEST(NodeStandingTest, TheDeviceManagerMayBeDownForAWhile) {
  Scene scene;
  scene.NotReady("DeviceManagerDown", kNow - minutes(60));
  scene.state.device_manager_up = false;
  scene.state.device_manager_since = kNow - minutes(1);
  EXPECT_EQ(scene.Standing().reason, "DeviceManagerDown");
  EXPECT_EQ(scene.Standing().kind, Kind::kOnTheWay);
  EXPECT_FALSE(scene.Standing().verified);
  scene.state.device_manager_since = kNow - kPatience;
  EXPECT_EQ(scene.Standing().kind, Kind::kFailing);
}

TEST(NodeStandingTest, AnOldGenerationIsNotReady) {
  Scene scene;
  scene.state.generation = 1;
  EXPECT_EQ(scene.Standing().reason, "OldGeneration");
  EXPECT_EQ(scene.Standing().fails_at, kNow + kPatience);
  scene.context.distributing_since = kNow - kPatience;
  EXPECT_EQ(scene.Standing().kind, Kind::kFailing);
}

TEST(NodeStandingTest, WithoutAStateThePodTells) {
  Scene scene;
  scene.has_state = false;
  EXPECT_EQ(scene.Standing().reason, "AgentStarting");
  EXPECT_EQ(scene.Standing().fails_at, kNow + minutes(4));
  scene.pod.problem = "ImagePullBackOff: no such image";
  EXPECT_EQ(scene.Standing().reason, "AgentNotStarting");
  EXPECT_EQ(scene.Standing().kind, Kind::kFailing);
}

TEST(NodeStandingTest, WithoutAPodTheNodeTells) {
  Scene scene;
  scene.has_state = scene.has_pod = false;
  EXPECT_EQ(scene.Standing().reason, "NoAgent");
  EXPECT_EQ(scene.Standing().kind, Kind::kFailing);
  scene.node.created = kNow - minutes(1);
  EXPECT_EQ(scene.Standing().kind, Kind::kOnTheWay);
  scene.node.taints = {{.key = "x", .value = "y", .effect = "NoSchedule"}};
  EXPECT_EQ(scene.Standing().reason, "TaintNotTolerated");
  EXPECT_NE(scene.Standing().message.find("x=y:NoSchedule"), std::string::npos);
}

TEST(NodeStandingTest, TheWordsOfAnAgentThatIsGoneAreOld) {
  Scene scene;
  scene.has_pod = false;
  EXPECT_EQ(scene.Standing().reason, "AgentGone");
  EXPECT_EQ(scene.Standing().kind, Kind::kFailing);
  EXPECT_FALSE(scene.Standing().alive);
  // It was told to stop, so another one comes.
  scene.NotReady("AgentStopping", kNow - minutes(1));
  EXPECT_EQ(scene.Standing().kind, Kind::kOnTheWay);
  // There it is.
  scene.has_pod = true;
  scene.pod.name = "agent-2";
  EXPECT_EQ(scene.Standing().reason, "AgentStarting");
}

TEST(NodeStandingTest, AnAgentOutsideOfAPodIsBelieved) {
  Scene scene;
  scene.has_pod = false;
  scene.state.pod = "";
  EXPECT_EQ(scene.Standing().kind, Kind::kReady);
}

TEST(NodeStandingTest, AStateOfAnEarlierConfigurationOfThisNameIsNone) {
  Scene scene;
  scene.state.config_uid = "c0";
  EXPECT_EQ(scene.Standing().reason, "AgentStarting");
}

TEST(NodeStandingTest, ASilentNodeProvesNothing) {
  Scene scene;
  scene.node.ready = false;
  scene.node.ready_since = kNow - minutes(1);
  const NodeStanding standing = scene.Standing();
  EXPECT_EQ(standing.reason, "NodeNotReady");
  EXPECT_EQ(standing.kind, Kind::kOnTheWay);
  EXPECT_FALSE(standing.alive || standing.verified);
}

TEST(NodeStandingTest, AnUpdateOfTheNodeExplainsWhatItLacks) {
  Scene scene;
  scene.node.update = {
      .kind = NodeUpdate::Kind::kUpdating, .state = "Rebooting", .current = "a", .desired = "b"};
  EXPECT_EQ(scene.Standing().kind, Kind::kReady);
  scene.NotReady("DeviceManagerDown", kNow - minutes(60));
  scene.state.device_manager_up = false;
  EXPECT_EQ(scene.Standing().reason, "NodeUpdating");
  EXPECT_EQ(scene.Standing().kind, Kind::kOnTheWay);
  EXPECT_FALSE(scene.Standing().fails_at);
  scene.node.update = {.kind = NodeUpdate::Kind::kFailed, .reason = "disk full"};
  EXPECT_EQ(scene.Standing().kind, Kind::kFailing);
  EXPECT_NE(scene.Standing().message.find("disk full"), std::string::npos);
}

}  // namespace
}  // namespace nodedevice
