#include "agent/node_events.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/agent/sample_snapshot.h"

namespace nodedevice::testing {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> Told(const Snapshot& before, const Snapshot& after) {
  std::vector<std::string> told;
  for (const ApiEvent& event : EventsBetween(before, after)) {
    told.push_back(absl::StrCat(event.warning ? "! " : "", event.reason, "/", event.action, " [",
                                event.about, "] ", event.note));
  }
  return told;
}

// One failure of a plugin after `failures - 1` others.
Snapshot Crashed(int failures) {
  Snapshot snapshot = HealthyNode();
  snapshot.plugins[0].phase = PluginPhase::kBackingOff;
  snapshot.plugins[0].failures = failures;
  snapshot.plugins[0].resources.clear();
  return snapshot;
}

TEST(NodeEventsTest, TellsNothingWhenNothingChanged) {
  EXPECT_THAT(Told(HealthyNode(), HealthyNode()), IsEmpty());
  EXPECT_THAT(Told(Crashed(5), Crashed(5)), IsEmpty());
  Snapshot later = HealthyNode();
  later.looked_at += minutes(5);
  later.plugins[0].resources[0].list_updates += 7;
  EXPECT_THAT(Told(HealthyNode(), later), IsEmpty());
}

TEST(NodeEventsTest, TellsOfADeviceManagerThatGoesComesAndIsReplaced) {
  Snapshot down = HealthyNode();
  down.device_manager.up = false;
  down.device_manager.problem = "kubelet.sock: Connection refused";
  EXPECT_THAT(
      Told(HealthyNode(), down),
      ElementsAre("! DeviceManagerDown/Waiting [] The kubelet's Device Manager does not answer: "
                  "kubelet.sock: Connection refused. Plugins are kept and register again when it "
                  "is back."));
  EXPECT_THAT(Told(down, HealthyNode()),
              ElementsAre("DeviceManagerUp/Registering [] The kubelet's Device Manager answers on "
                          "/kubelet/device-plugins/kubelet.sock."));
  Snapshot replaced = HealthyNode();
  replaced.device_manager.since += seconds(1);
  EXPECT_THAT(Told(HealthyNode(), replaced),
              ElementsAre("DeviceManagerRestarted/Registering [] The kubelet's Device Manager was "
                          "restarted; every plugin registers again."));
}

TEST(NodeEventsTest, TellsOfAConfigurationThatIsRefusedAcceptedOrDeleted) {
  Snapshot good = HealthyNode();
  good.config.source = "DevicePluginConfig rig";
  Snapshot wrong = good;
  wrong.config.error = "spec.plugins: required";
  EXPECT_THAT(Told(good, wrong),
              ElementsAre("! ConfigRefused/KeepingLastGood [] The newest version of "
                          "DevicePluginConfig rig is refused and generation 4 stays in force: "
                          "spec.plugins: required"));
  EXPECT_THAT(Told(wrong, good), ElementsAre("ConfigAccepted/Applying [] Generation 4 of "
                                             "DevicePluginConfig rig is in force."));
  Snapshot newer = good;
  newer.config.generation = 5;
  EXPECT_THAT(Told(good, newer), ElementsAre("ConfigAccepted/Applying [] Generation 5 of "
                                             "DevicePluginConfig rig is in force."));
  Snapshot another = good;
  another.config.uid = "another";
  EXPECT_THAT(Told(good, another), ElementsAre("ConfigAccepted/Applying [] Generation 4 of "
                                               "DevicePluginConfig rig is in force."));
  Snapshot gone = good;
  gone.config = {.source = "DevicePluginConfig rig", .error = "DevicePluginConfig rig was deleted"};
  EXPECT_THAT(
      Told(good, gone),
      ElementsAre("! NoConfig/Waiting [] No plugin runs: DevicePluginConfig rig was deleted"));
}

TEST(NodeEventsTest, AnApiServerThatIsAwayIsNoEvent) {
  Snapshot stale = HealthyNode();
  stale.config.stale = "connection refused";
  EXPECT_THAT(Told(HealthyNode(), stale), IsEmpty());
}

TEST(NodeEventsTest, TellsOfACrashLoopFromTheThirdFailureOnAndOfItsEnd) {
  EXPECT_THAT(Told(Crashed(1), Crashed(2)), IsEmpty());
  EXPECT_THAT(Told(Crashed(2), Crashed(3)),
              ElementsAre("! PluginCrashLooping/Restarting [kvm] Plugin kvm of example.com/kvm "
                          "failed 3 times in a row: killed by signal 9 (Killed). It is started "
                          "again with growing pauses."));
  EXPECT_EQ(Told(Crashed(3), Crashed(4)).size(), 1u);
  Snapshot starting = Crashed(4);
  starting.plugins[0].phase = PluginPhase::kStarting;
  EXPECT_THAT(Told(Crashed(4), starting), IsEmpty());
  Snapshot well = HealthyNode();
  well.plugins[0].resources.clear();
  EXPECT_THAT(Told(starting, well),
              ElementsAre("PluginRecovered/Running [kvm] Plugin kvm runs well again."));
  EXPECT_THAT(Told(Crashed(2), well), IsEmpty());
}

TEST(NodeEventsTest, TellsOfDevicesThatBecomeUnhealthyAndOfTheEnd) {
  Snapshot well = HealthyNode();
  well.plugins[0].resources[0].healthy = 20;
  well.plugins[0].resources[0].unhealthy = 0;
  well.plugins[0].resources[0].devices[0].healthy = true;
  // One device, shared by ten: it is named once, and that is all of it.
  EXPECT_THAT(Told(well, HealthyNode()),
              ElementsAre("! DevicesUnhealthy/Announcing [example.com/kvm] 10 of 20 devices of "
                          "example.com/kvm are unhealthy: kvm1 (/dev/kvm1 is gone)"));
  EXPECT_THAT(Told(HealthyNode(), well),
              ElementsAre("DevicesRecovered/Announcing [example.com/kvm] All 20 devices of "
                          "example.com/kvm are healthy."));
  Snapshot fewer = HealthyNode();
  fewer.plugins[0].resources[0].unhealthy = 5;
  EXPECT_THAT(Told(HealthyNode(), fewer), IsEmpty());
}

TEST(NodeEventsTest, NamesTheFirstFiveUnhealthyDevices) {
  Snapshot many = HealthyNode();
  ResourceReport& resource = many.plugins[0].resources[0];
  resource.devices.clear();
  for (const char* id : {"a", "b", "c", "d", "e", "f"}) {
    resource.devices.push_back(
        {.id = id, .healthy = false, .reason = "", .paths = "", .numa_nodes = {}});
  }
  resource.healthy = 0;
  resource.unhealthy = 60;
  EXPECT_THAT(Told(HealthyNode(), many),
              ElementsAre("! DevicesUnhealthy/Announcing [example.com/kvm] 60 of 60 devices of "
                          "example.com/kvm are unhealthy: a, b, c, d, e, ..."));
}

TEST(NodeEventsTest, AnAgentThatStopsSaysNothingOfDevices) {
  Snapshot well = HealthyNode();
  well.plugins[0].resources[0].unhealthy = 0;
  Snapshot stopping = HealthyNode();
  stopping.stopping = true;
  EXPECT_THAT(Told(well, stopping), IsEmpty());
}

}  // namespace
}  // namespace nodedevice::testing
