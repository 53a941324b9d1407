// One test for each cell of the Supervisor's state table that is not "ignored".

#include "tests/unit/agent/supervisor_fixture.h"

namespace nodedevice::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using enum RegistrationPhase;

PluginSpec Changed() {
  PluginSpec spec = OwnSpec("kvm");
  spec.text = "changed";
  return spec;
}

// ---- Held --------------------------------------------------------------------------------------

TEST_F(SupervisorTest, HeldReplacesItsSpecWhenDesiredChanges) {
  Held();
  EXPECT_THAT(Want({Changed()}), IsEmpty());
  const auto actions = supervisor_.Handle(KubeletChanged{Transition::kUp}, now_);
  ASSERT_EQ(actions.size(), 1u);
  EXPECT_EQ(std::get<Start>(actions[0]).spec, Changed());
}

TEST_F(SupervisorTest, HeldIsErasedWhenNoLongerDesired) {
  Held();
  EXPECT_THAT(Want({}), IsEmpty());
  EXPECT_TRUE(Gone());
  EXPECT_THAT(KubeletUp(), IsEmpty());
}

TEST_F(SupervisorTest, HeldStartsWhenTheKubeletIsUp) {
  Held();
  EXPECT_EQ(Kvm().phase, PluginPhase::kHeld);
  EXPECT_EQ(Kvm().held_by, "the Device Manager");
  EXPECT_THAT(KubeletUp(), ElementsAre("start kvm"));
  EXPECT_EQ(Kvm().phase, PluginPhase::kStarting);
}

TEST_F(SupervisorTest, HeldIsErasedByStop) {
  Held();
  EXPECT_THAT(Do(StopRequested{}), ElementsAre("all stopped"));
  EXPECT_TRUE(Gone());
}

// ---- Starting ----------------------------------------------------------------------------------

TEST_F(SupervisorTest, StartingIsTerminatedWhenItsSpecChanges) {
  Starting();
  EXPECT_THAT(Want({Changed()}), ElementsAre("terminate kvm"));
  EXPECT_EQ(Kvm().phase, PluginPhase::kStopping);
}

TEST_F(SupervisorTest, StartingIsWithdrawnWhenNoLongerDesired) {
  Starting();
  EXPECT_THAT(Want({}), ElementsAre("withdraw kvm"));
  EXPECT_EQ(Kvm().phase, PluginPhase::kStopping);
}

TEST_F(SupervisorTest, StartingHasThirtySecondsAgainWhenTheKubeletWasReplaced) {
  Starting();
  Wait(seconds(20));
  EXPECT_THAT(KubeletReplaced(), IsEmpty());
  EXPECT_EQ(DueIn(), seconds(30));
}

TEST_F(SupervisorTest, StartingRunsOnceItReportsARegistration) {
  Starting();
  EXPECT_THAT(Report("kvm", 100, kRegistered), IsEmpty());
  EXPECT_EQ(Kvm().phase, PluginPhase::kStarting) << "accepted, but nobody follows the list yet";
  EXPECT_THAT(Report("kvm", 100, kStreaming), IsEmpty());
  EXPECT_EQ(Kvm().phase, PluginPhase::kRunning);
}

TEST_F(SupervisorTest, StartingBacksOffWhenTheChildExits) {
  Starting();
  EXPECT_THAT(Exited("kvm", 100, 3), IsEmpty());
  EXPECT_EQ(Kvm().phase, PluginPhase::kBackingOff);
  EXPECT_EQ(Kvm().last_exit, "exited with 3");
  EXPECT_EQ(Kvm().restarts_for(RestartReason::kExited), 1u);
}

TEST_F(SupervisorTest, StartingBacksOffWhenTheProgramCannotBeStarted) {
  KubeletUp();
  Want({OwnSpec("kvm")});
  EXPECT_THAT(Do(SpawnFailed{"kvm", "cannot start /opt/x: No such file or directory"}), IsEmpty());
  EXPECT_EQ(Kvm().phase, PluginPhase::kBackingOff);
  EXPECT_EQ(Kvm().last_exit, "cannot start /opt/x: No such file or directory");
  EXPECT_EQ(Kvm().restarts_for(RestartReason::kStartFailed), 1u);
}

TEST_F(SupervisorTest, StartingIsTerminatedWhenItDoesNotRegisterInTime) {
  Starting();
  ResourceReport failing = ResourceIn(kWaiting, "example.com/kvm");
  failing.error = "the kubelet refused";
  Do(Reported{"kvm", 100, {{failing}}});
  EXPECT_EQ(DueIn(), seconds(30));
  Wait(seconds(30));
  EXPECT_THAT(Do(DeadlinePassed{}), ElementsAre("terminate kvm"));
  EXPECT_EQ(Kvm().restarts_for(RestartReason::kStartTimeout), 1u);
  EXPECT_THAT(Exited("kvm", 100, 0), ElementsAre("start kvm"));
  EXPECT_EQ(Kvm().last_exit,
            "was not registered within 30 s (the kubelet refused); then exited with 0");
  EXPECT_EQ(Kvm().restarts_for(RestartReason::kExited), 0u) << "one incident counts once";
}

TEST_F(SupervisorTest, StartingIsTerminatedByStop) {
  Starting();
  EXPECT_THAT(Do(StopRequested{}), ElementsAre("terminate kvm"));
}

// ---- Running -----------------------------------------------------------------------------------

TEST_F(SupervisorTest, RunningIsTerminatedWhenItsSpecChanges) {
  Running();
  EXPECT_THAT(Want({Changed()}), ElementsAre("terminate kvm"));
  EXPECT_EQ(Kvm().phase, PluginPhase::kStopping);
}

TEST_F(SupervisorTest, RunningIsWithdrawnWhenNoLongerDesired) {
  Running();
  EXPECT_THAT(Want({}), ElementsAre("withdraw kvm"));
}

TEST_F(SupervisorTest, RunningMustRegisterAgainWhenTheKubeletWasReplaced) {
  Running();
  EXPECT_THAT(KubeletReplaced(), IsEmpty());
  EXPECT_EQ(Kvm().phase, PluginPhase::kStarting);
  EXPECT_EQ(DueIn(), seconds(30));
}

TEST_F(SupervisorTest, RunningMustRegisterAgainWhenTheKubeletIsBack) {
  Running();
  EXPECT_THAT(KubeletDown(), IsEmpty());
  EXPECT_EQ(Kvm().phase, PluginPhase::kRunning) << "a kubelet that goes away stops nobody";
  EXPECT_THAT(KubeletUp(), IsEmpty());
  EXPECT_EQ(Kvm().phase, PluginPhase::kStarting);
}

TEST_F(SupervisorTest, RunningMustRegisterAgainWhenItReportsThatItIsNot) {
  Running();
  EXPECT_THAT(Report("kvm", 100, kWaiting), IsEmpty());
  EXPECT_EQ(Kvm().phase, PluginPhase::kStarting);
  Wait(seconds(30));
  EXPECT_THAT(Do(DeadlinePassed{}), ElementsAre("terminate kvm"));
  EXPECT_EQ(Kvm().restarts_for(RestartReason::kNotRegistered), 1u);
  EXPECT_EQ(Kvm().restarts_for(RestartReason::kStartTimeout), 0u);
}

TEST_F(SupervisorTest, RunningBacksOffWhenTheChildIsKilledAndThatCountsOnce) {
  Running();
  EXPECT_THAT(Killed("kvm", 100, 9), IsEmpty());
  EXPECT_EQ(Kvm().phase, PluginPhase::kBackingOff);
  EXPECT_EQ(Kvm().last_exit, "killed by signal 9 (Killed)");
  EXPECT_EQ(Kvm().restarts, (RestartCounts{0, 1, 0, 0, 0}));
  EXPECT_EQ(DueIn(), Duration::zero()) << "a first crash is healed at once";
  EXPECT_THAT(Do(DeadlinePassed{}), ElementsAre("start kvm"));
}

TEST_F(SupervisorTest, RunningForgivesEarlierFailuresAfterAMinute) {
  Running();
  Killed("kvm", 100, 9);
  Do(DeadlinePassed{});
  Spawn("kvm", 101);
  Report("kvm", 101, kStreaming);
  EXPECT_EQ(Kvm().failures, 1);
  EXPECT_EQ(DueIn(), seconds(60));
  Wait(seconds(60));
  EXPECT_THAT(Do(DeadlinePassed{}), IsEmpty());
  EXPECT_EQ(Kvm().failures, 0);
  EXPECT_EQ(Kvm().restarts_for(RestartReason::kSignaled), 1u) << "forgiven, not forgotten";
  EXPECT_EQ(DueIn(), std::nullopt);
}

TEST_F(SupervisorTest, RunningIsTerminatedByStop) {
  Running();
  EXPECT_THAT(Do(StopRequested{}), ElementsAre("terminate kvm"));
  EXPECT_THAT(Exited("kvm", 100, 0), ElementsAre("all stopped"));
}

// ---- Stopping ----------------------------------------------------------------------------------

TEST_F(SupervisorTest, StoppingStartsWithTheNewestSpecWhenTheChildExits) {
  Stopping();
  PluginSpec newest = OwnSpec("kvm");
  newest.text = "newest";
  EXPECT_THAT(Want({newest}), IsEmpty());
  const auto actions = supervisor_.Handle(ChildExited{"kvm", {.pid = 100}}, now_);
  ASSERT_EQ(actions.size(), 1u);
  EXPECT_EQ(std::get<Start>(actions[0]).spec, newest);
  EXPECT_EQ(Kvm().restarts, RestartCounts{}) << "a planned restart is none";
}

TEST_F(SupervisorTest, StoppingIsErasedWhenItWasRemovedAndTheChildExits) {
  Stopping();
  EXPECT_THAT(Want({}), IsEmpty());
  EXPECT_THAT(Exited("kvm", 100, 0), IsEmpty());
  EXPECT_TRUE(Gone());
}

TEST_F(SupervisorTest, StoppingStartsAgainWhenItWasRemovedAndCameBack) {
  Running();
  EXPECT_THAT(Want({}), ElementsAre("withdraw kvm"));
  EXPECT_THAT(Want({OwnSpec("kvm")}), IsEmpty());
  EXPECT_THAT(Exited("kvm", 100, 0), ElementsAre("start kvm"));
}

TEST_F(SupervisorTest, StoppingIsKilledAfterItsGrace) {
  Stopping();
  EXPECT_EQ(DueIn(), seconds(10));
  Wait(seconds(10));
  EXPECT_THAT(Do(DeadlinePassed{}), ElementsAre("kill kvm"));
  EXPECT_EQ(DueIn(), std::nullopt);
  EXPECT_THAT(Killed("kvm", 100, 9), ElementsAre("start kvm"));
  EXPECT_EQ(Kvm().restarts, RestartCounts{});
}

TEST_F(SupervisorTest, StoppingHasItsGraceWhenTheAgentStopsAndIsKilledByASecondStop) {
  Stopping();
  EXPECT_THAT(Do(StopRequested{}), IsEmpty());
  EXPECT_EQ(DueIn(), seconds(10));
  EXPECT_THAT(Do(StopRequested{}), ElementsAre("kill kvm"));
  EXPECT_THAT(Killed("kvm", 100, 9), ElementsAre("all stopped"));
}

TEST_F(SupervisorTest, AStopForGoodWithdraws) {
  Running();
  EXPECT_THAT(Do(StopRequested{StopMode::kWithdraw}), ElementsAre("withdraw kvm"));
  EXPECT_THAT(Exited("kvm", 100, 0), ElementsAre("all stopped"));
}

// ---- BackingOff --------------------------------------------------------------------------------

TEST_F(SupervisorTest, BackingOffStartsAtOnceWithAChangedSpec) {
  BackingOff();
  EXPECT_THAT(Want({Changed()}), ElementsAre("start kvm"));
  EXPECT_EQ(Kvm().failures, 0);
}

TEST_F(SupervisorTest, BackingOffIsErasedWhenNoLongerDesired) {
  BackingOff();
  EXPECT_THAT(Want({}), IsEmpty());
  EXPECT_TRUE(Gone());
}

TEST_F(SupervisorTest, BackingOffStartsAtItsDeadline) {
  BackingOff();
  EXPECT_EQ(DueIn(), seconds(1));
  Wait(milliseconds(999));
  EXPECT_THAT(Do(DeadlinePassed{}), IsEmpty());
  Wait(milliseconds(1));
  EXPECT_THAT(Do(DeadlinePassed{}), ElementsAre("start kvm"));
}

TEST_F(SupervisorTest, BackingOffIsErasedByStop) {
  BackingOff();
  EXPECT_THAT(Do(StopRequested{}), ElementsAre("all stopped"));
}

}  // namespace
}  // namespace nodedevice::testing
