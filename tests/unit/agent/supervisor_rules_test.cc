// What the Supervisor promises across the cells of its table.

#include "tests/unit/agent/supervisor_fixture.h"

namespace nodedevice::testing {
namespace {

using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using enum RegistrationPhase;

TEST_F(SupervisorTest, ACrashLoopWaitsLongerAndLongerUpToAMinuteAndNeverEnds) {
  KubeletUp();
  Want({OwnSpec("kvm")});
  std::vector<int> waits;
  for (int i = 0; i < 10; ++i) {
    Do(SpawnFailed{"kvm", "cannot start"});
    ASSERT_TRUE(DueIn().has_value());
    waits.push_back(static_cast<int>(*DueIn() / seconds(1)));
    Wait(*DueIn());
    ASSERT_THAT(Do(DeadlinePassed{}), ElementsAre("start kvm"));
  }
  EXPECT_THAT(waits, ElementsAre(0, 1, 2, 4, 8, 16, 32, 60, 60, 60));
  EXPECT_EQ(Kvm().restarts_for(RestartReason::kStartFailed), 10u);
}

TEST_F(SupervisorTest, AnExecPluginRunsOnceItIsSpawnedAndHasNoTimeToRegister) {
  KubeletUp();
  Want({ExecSpec("kvm", {"/opt/vendor/plugin"})});
  EXPECT_THAT(Spawn("kvm", 100), IsEmpty());
  EXPECT_EQ(Kvm().phase, PluginPhase::kRunning);
  EXPECT_EQ(DueIn(), std::nullopt);
  EXPECT_THAT(KubeletReplaced(), IsEmpty());
  EXPECT_EQ(Kvm().phase, PluginPhase::kRunning);
}

TEST_F(SupervisorTest, AnExecPluginIsTerminatedAlsoWhenItLeavesTheConfiguration) {
  KubeletUp();
  Want({ExecSpec("kvm", {"/opt/vendor/plugin"})});
  Spawn("kvm", 100);
  EXPECT_THAT(Want({}), ElementsAre("terminate kvm"));
}

TEST_F(SupervisorTest, AnotherResourceNameWithdrawsTheOldResource) {
  Running();
  EXPECT_THAT(Want({OwnSpec("kvm", "example.com/other")}), ElementsAre("withdraw kvm"));
}

TEST_F(SupervisorTest, ARenamedPluginKeepsTheCapacityAndWaitsForTheOldProcess) {
  Running();
  EXPECT_THAT(Want({OwnSpec("vm", "example.com/kvm")}), ElementsAre("terminate kvm"));
  const Snapshot snapshot = supervisor_.snapshot();
  ASSERT_EQ(snapshot.plugins.size(), 2u);
  EXPECT_EQ(snapshot.plugins[1].held_by, "the end of plugin kvm, which has example.com/kvm");
  EXPECT_THAT(Exited("kvm", 100, 0), ElementsAre("start vm"));
}

TEST_F(SupervisorTest, APluginThatItsEntryHoldsBackIsNotBlamedForNotRegistering) {
  Starting();
  EXPECT_THAT(Report("kvm", 100, kHeld), IsEmpty());
  EXPECT_EQ(Kvm().phase, PluginPhase::kStarting);
  EXPECT_EQ(DueIn(), std::nullopt);
  KubeletReplaced();
  EXPECT_EQ(DueIn(), std::nullopt);
  Wait(seconds(3600));
  // From now on it has the time that every plugin has.
  EXPECT_THAT(Report("kvm", 100, kIdle), IsEmpty());
  EXPECT_EQ(DueIn(), seconds(30));
  EXPECT_THAT(Report("kvm", 100, kStreaming), IsEmpty());
  EXPECT_EQ(Kvm().phase, PluginPhase::kRunning);
}

TEST_F(SupervisorTest, WithoutAKubeletNobodyIsBlamedForNotRegistering) {
  Running();
  KubeletDown();
  EXPECT_THAT(Report("kvm", 100, kIdle), IsEmpty());
  EXPECT_EQ(Kvm().phase, PluginPhase::kStarting);
  EXPECT_EQ(DueIn(), std::nullopt);
  EXPECT_THAT(KubeletUp(), IsEmpty());
  EXPECT_EQ(DueIn(), seconds(30));
}

TEST_F(SupervisorTest, WhatCrashesWhileTheKubeletIsDownIsStartedWhenItIsBack) {
  Running();
  KubeletDown();
  Killed("kvm", 100, 11);
  EXPECT_THAT(Do(DeadlinePassed{}), IsEmpty());
  EXPECT_EQ(Kvm().phase, PluginPhase::kHeld);
  EXPECT_THAT(KubeletUp(), ElementsAre("start kvm"));
}

TEST_F(SupervisorTest, APluginWithSeveralResourcesRunsWhenAllAreRegistered) {
  Starting();
  Do(Reported{"kvm", 100, {{ResourceIn(kStreaming, "a/x"), ResourceIn(kRegistering, "a/y")}}});
  EXPECT_EQ(Kvm().phase, PluginPhase::kStarting);
  Do(Reported{"kvm", 100, {{ResourceIn(kStreaming, "a/x"), ResourceIn(kStreaming, "a/y")}}});
  EXPECT_EQ(Kvm().phase, PluginPhase::kRunning);
}

TEST_F(SupervisorTest, EventsOfAnEarlierProcessAreIgnored) {
  Running();
  Killed("kvm", 100, 9);
  Do(DeadlinePassed{});
  Spawn("kvm", 101);
  EXPECT_THAT(Report("kvm", 100, kStreaming), IsEmpty());
  EXPECT_EQ(Kvm().phase, PluginPhase::kStarting);
  EXPECT_THAT(Killed("kvm", 100, 9), IsEmpty());
  EXPECT_EQ(Kvm().pid, 101);
  EXPECT_THAT(Do(Spawned{"kvm", 102}), IsEmpty());
  EXPECT_EQ(Kvm().pid, 101);
}

TEST_F(SupervisorTest, TheSameConfigurationAgainChangesNothing) {
  Running();
  EXPECT_THAT(Want({OwnSpec("kvm")}), IsEmpty());
  EXPECT_EQ(Kvm().phase, PluginPhase::kRunning);
}

TEST_F(SupervisorTest, AStopBeforeTheProcessExistsReachesItWhenItDoes) {
  KubeletUp();
  Want({OwnSpec("kvm")});
  EXPECT_THAT(Want({}), IsEmpty());
  EXPECT_THAT(Spawn("kvm", 100), ElementsAre("withdraw kvm"));
}

TEST_F(SupervisorTest, AKillBeforeTheProcessExistsReachesItWhenItDoes) {
  KubeletUp();
  Want({OwnSpec("kvm")});
  Do(StopRequested{});
  EXPECT_THAT(Do(StopRequested{}), IsEmpty());
  EXPECT_THAT(Spawn("kvm", 100), ElementsAre("kill kvm"));
}

TEST_F(SupervisorTest, AfterStopNothingIsStartedAndAllStoppedIsSaidOnce) {
  Running();
  Do(StopRequested{});
  EXPECT_THAT(Want({OwnSpec("kvm"), OwnSpec("other")}), IsEmpty());
  EXPECT_THAT(Exited("kvm", 100, 0), ElementsAre("all stopped"));
  EXPECT_THAT(KubeletReplaced(), IsEmpty());
  EXPECT_THAT(Do(StopRequested{}), IsEmpty());
}

TEST_F(SupervisorTest, CountersOfEndedProcessesAreCarried) {
  Running();
  ResourceReport report = ResourceIn(kStreaming, "example.com/kvm");
  report.registrations_ok = 2;
  report.list_updates = 7;
  report.rpc["Allocate"] = {.count = 3, .sum = 0.5};
  for (int pid = 100; pid < 103; ++pid) {
    Do(Reported{"kvm", pid, {{report}}});
    Killed("kvm", pid, 9);
    EXPECT_THAT(Kvm().resources, IsEmpty());
    Wait(seconds(60));
    Do(DeadlinePassed{});
    Spawn("kvm", pid + 1);
  }
  const ResourceTotals totals = Kvm().ended.at("example.com/kvm");
  EXPECT_EQ(totals.registrations_ok, 6u);
  EXPECT_EQ(totals.list_updates, 21u);
  EXPECT_EQ(totals.rpc.at("Allocate").count, 9u);
}

TEST_F(SupervisorTest, DeviceManagerRestartsAreReplacementsAndReturns) {
  EXPECT_FALSE(supervisor_.snapshot().device_manager.up);
  KubeletUp();
  EXPECT_TRUE(supervisor_.snapshot().device_manager.up);
  EXPECT_EQ(supervisor_.snapshot().device_manager.restarts, 0u);
  KubeletReplaced();
  KubeletDown();
  EXPECT_EQ(supervisor_.snapshot().device_manager.restarts, 1u);
  KubeletUp();
  EXPECT_EQ(supervisor_.snapshot().device_manager.restarts, 2u);
}

// A report of "kvm" with figures that hold for 90 s.
Event WithFigures(int pid, std::uint64_t sample, std::uint64_t used) {
  ResourceReport resource = ResourceIn(kStreaming, "example.com/kvm");
  resource.figures = {
      .number = sample, .valid = seconds(90), .devices = {{.id = "a", .memory_used_bytes = used}}};
  return Reported{"kvm", pid, {{resource}}};
}

TEST_F(SupervisorTest, FiguresVanishWhenNoNewerOnesComeInTheirTime) {
  Running();
  const auto used = [this] {
    const std::vector<DeviceFigures> devices = Kvm().resources[0].figures.devices;
    return devices.empty() ? std::nullopt : devices[0].memory_used_bytes;
  };
  EXPECT_EQ(DueIn(), std::nullopt) << "without figures nobody is woken";
  Do(WithFigures(100, 1, 10));
  EXPECT_EQ(used(), 10u);
  EXPECT_EQ(DueIn(), seconds(90));
  Wait(seconds(30));
  Do(WithFigures(100, 2, 20));
  EXPECT_EQ(DueIn(), seconds(90));
  Wait(seconds(60));
  Do(WithFigures(100, 2, 20));
  EXPECT_EQ(DueIn(), seconds(30)) << "the same sample, told with other news, is no younger";
  Wait(seconds(30));
  EXPECT_THAT(Do(DeadlinePassed{}), IsEmpty());
  EXPECT_EQ(used(), std::nullopt);
  EXPECT_EQ(DueIn(), std::nullopt);
  Do(WithFigures(100, 2, 20));
  EXPECT_EQ(used(), std::nullopt) << "nor is it later";
  Do(WithFigures(100, 3, 30));
  EXPECT_EQ(used(), 30u);
  EXPECT_EQ(Kvm().phase, PluginPhase::kRunning);
}

TEST_F(SupervisorTest, FiguresEndWithTheirProcessAndThoseOfTheNextAreNews) {
  Running();
  Do(WithFigures(100, 1, 10));
  Exited("kvm", 100, 1);
  EXPECT_THAT(Kvm().resources, IsEmpty());
  EXPECT_EQ(DueIn(), Duration::zero()) << "for the next start only";
  Do(DeadlinePassed{});
  Spawn("kvm", 101);
  Do(WithFigures(101, 1, 20));
  EXPECT_EQ(Kvm().resources[0].figures.devices[0].memory_used_bytes, 20u);
}

}  // namespace
}  // namespace nodedevice::testing
