// Foreign (exec) plugins: judged by the kubelet's word and by their sockets.

#include "tests/unit/agent/supervisor_fixture.h"

namespace nodedevice::testing {
namespace {

using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class ForeignPluginTest : public SupervisorTest {
 protected:
  void SetUp() override {
    KubeletUp();
    Want({ExecSpec("kvm", {"/opt/vendor/plugin"})});
    EXPECT_THAT(Spawn("kvm", 100), IsEmpty());
  }

  // The kubelet would hand out so many devices of the plugin's resource.
  Actions Accepts(std::uint64_t devices) {
    KubeletReport report;
    report.resources["example.com/other"].accepted = 7;
    if (devices > 0) report.resources["example.com/kvm"].accepted = devices;
    return Do(KubeletSaid{report});
  }
  Actions SaysNothing() { return Do(KubeletSaid{{.error = "Connection refused"}}); }
  Actions Sockets(int pid, bool lost) { return Do(SocketsSeen{"kvm", pid, lost}); }

  // Until the look at its sockets, which finds nothing wrong.
  void LooksWell() {
    Wait(kTimeToNotice);
    EXPECT_THAT(Do(DeadlinePassed{}), ElementsAre("look at kvm"));
    EXPECT_THAT(Sockets(100, false), IsEmpty());
  }
};

// ---- the kubelet's word
// --------------------------------------------------------------------------

TEST_F(ForeignPluginTest, IsRunningWhateverTheKubeletSaysUntilThatIsRestarted) {
  EXPECT_EQ(Kvm().phase, PluginPhase::kRunning);
  EXPECT_EQ(Kvm().accepted, std::nullopt);
  EXPECT_EQ(Kvm().note, "");
  EXPECT_THAT(Accepts(0), IsEmpty());
  EXPECT_EQ(Kvm().phase, PluginPhase::kRunning);
  EXPECT_EQ(Kvm().accepted, false);
  EXPECT_FALSE(Kvm().was_accepted);
  EXPECT_THAT(Kvm().note, HasSubstr("the kubelet does not list example.com/kvm: the plugin has no "
                                    "healthy device on this node"));
  EXPECT_THAT(Accepts(2), IsEmpty());
  EXPECT_EQ(Kvm().accepted, true);
  EXPECT_TRUE(Kvm().was_accepted);
  EXPECT_EQ(Kvm().note, "");
  EXPECT_THAT(Accepts(0), IsEmpty());
  EXPECT_EQ(Kvm().phase, PluginPhase::kRunning);
  EXPECT_FALSE(IsUp(Kvm()));
  EXPECT_THAT(Kvm().note, HasSubstr("has accepted example.com/kvm before"));
  EXPECT_EQ(DueIn(), std::nullopt);
}

TEST_F(ForeignPluginTest, MustBeAcceptedAgainWithinThirtySecondsOfAKubeletRestart) {
  Accepts(2);
  EXPECT_THAT(KubeletReplaced(), IsEmpty());
  EXPECT_EQ(Kvm().phase, PluginPhase::kRunning) << "nobody has asked the new kubelet yet";
  EXPECT_THAT(Accepts(0), IsEmpty());
  EXPECT_EQ(Kvm().phase, PluginPhase::kStarting);
  EXPECT_THAT(Kvm().note, HasSubstr("restarted and does not list example.com/kvm again yet"));
  LooksWell();
  EXPECT_EQ(DueIn(), kTimeToRegister - kTimeToNotice);
  Wait(kTimeToRegister - kTimeToNotice);
  EXPECT_THAT(Do(DeadlinePassed{}), ElementsAre("terminate kvm"));
  EXPECT_EQ(Kvm().restarts_for(RestartReason::kNotRegistered), 1u);
  EXPECT_THAT(Killed("kvm", 100, 15), ElementsAre("start kvm"));
  EXPECT_THAT(Kvm().last_exit,
              HasSubstr("was not registered within 30 s of the kubelet's restart"));
  // The next process has never been accepted, and is left alone.
  Spawn("kvm", 101);
  Wait(seconds(300));
  EXPECT_THAT(Do(DeadlinePassed{}), IsEmpty());
  EXPECT_EQ(Kvm().phase, PluginPhase::kRunning);
}

TEST_F(ForeignPluginTest, KeepsItsProcessWhenItIsAcceptedAgain) {
  Accepts(2);
  KubeletDown();
  EXPECT_EQ(Kvm().accepted, std::nullopt) << "a kubelet that is down says nothing";
  KubeletUp();
  Accepts(0);
  LooksWell();
  EXPECT_THAT(Accepts(2), IsEmpty());
  EXPECT_EQ(Kvm().phase, PluginPhase::kRunning);
  EXPECT_EQ(DueIn(), std::nullopt);
  EXPECT_EQ(Kvm().restarts, RestartCounts{});
  // What is lost later is no matter of the restart.
  Accepts(0);
  EXPECT_EQ(Kvm().phase, PluginPhase::kRunning);
}

TEST_F(ForeignPluginTest, TheNewKubeletsWordMayComeBeforeItsSocket) {
  Accepts(2);
  Accepts(0);
  KubeletReplaced();
  EXPECT_EQ(Kvm().phase, PluginPhase::kStarting);
  LooksWell();
  EXPECT_EQ(DueIn(), kTimeToRegister - kTimeToNotice);
}

TEST_F(ForeignPluginTest, AnotherRestartGivesItThirtySecondsAgain) {
  Accepts(2);
  KubeletReplaced();
  Accepts(0);
  Wait(seconds(4));
  KubeletDown();
  EXPECT_EQ(Kvm().phase, PluginPhase::kStarting);
  EXPECT_EQ(DueIn(), std::nullopt) << "nobody is blamed without a kubelet";
  Wait(seconds(100));
  KubeletUp();
  LooksWell();
  EXPECT_EQ(DueIn(), kTimeToRegister - kTimeToNotice);
}

TEST_F(ForeignPluginTest, OneThatWasNeverAcceptedIsNotRestarted) {
  Accepts(0);
  KubeletReplaced();
  Accepts(0);
  LooksWell();
  EXPECT_EQ(Kvm().phase, PluginPhase::kRunning);
  EXPECT_EQ(DueIn(), std::nullopt);
  EXPECT_TRUE(IsUp(Kvm()));
}

TEST_F(ForeignPluginTest, NobodyIsBlamedWhileTheKubeletCannotBeAsked) {
  Accepts(2);
  KubeletReplaced();
  Accepts(0);
  EXPECT_EQ(Kvm().phase, PluginPhase::kStarting);
  EXPECT_THAT(SaysNothing(), IsEmpty());
  EXPECT_EQ(Kvm().phase, PluginPhase::kRunning);
  EXPECT_EQ(Kvm().accepted, std::nullopt);
  EXPECT_THAT(Kvm().note, HasSubstr("it is not known whether the kubelet accepts example.com/kvm: "
                                    "Connection refused"));
  LooksWell();
  EXPECT_EQ(DueIn(), std::nullopt);
  // The question stays.
  Accepts(0);
  EXPECT_EQ(Kvm().phase, PluginPhase::kStarting);
  EXPECT_EQ(DueIn(), seconds(30));
}

TEST_F(ForeignPluginTest, WhatHoldsForAMinuteIsAboutThisProcess) {
  Accepts(2);
  Killed("kvm", 100, 9);
  Do(DeadlinePassed{});
  Spawn("kvm", 101);
  EXPECT_EQ(Kvm().accepted, true);
  EXPECT_FALSE(Kvm().was_accepted) << "it may be the word on the process before";
  Wait(kStableAfter);
  Do(DeadlinePassed{});
  KubeletReplaced();
  EXPECT_TRUE(Kvm().was_accepted);
  Accepts(0);
  EXPECT_EQ(Kvm().phase, PluginPhase::kStarting);
}

// ---- its sockets
// ---------------------------------------------------------------------------------

TEST_F(ForeignPluginTest, IsRestartedWhenItStillListensOnARemovedSocket) {
  KubeletReplaced();
  EXPECT_EQ(DueIn(), kTimeToNotice);
  Wait(kTimeToNotice);
  EXPECT_THAT(Do(DeadlinePassed{}), ElementsAre("look at kvm"));
  EXPECT_THAT(Sockets(100, true), ElementsAre("terminate kvm"));
  EXPECT_EQ(Kvm().restarts_for(RestartReason::kNotRegistered), 1u);
  EXPECT_THAT(Killed("kvm", 100, 15), ElementsAre("start kvm"));
  EXPECT_THAT(Kvm().last_exit, HasSubstr("did not notice that the kubelet was restarted"));
  EXPECT_EQ(Kvm().failures, 1);
}

TEST_F(ForeignPluginTest, TheTimeToNoticeBeginsWithTheLastRestart) {
  KubeletReplaced();
  Wait(kTimeToNotice - seconds(1));
  KubeletReplaced();
  Wait(kTimeToNotice - seconds(1));
  EXPECT_THAT(Do(DeadlinePassed{}), IsEmpty());
  KubeletDown();
  EXPECT_EQ(DueIn(), std::nullopt);
  KubeletUp();
  EXPECT_EQ(DueIn(), kTimeToNotice);
}

TEST_F(ForeignPluginTest, AnAnswerAboutAnEarlierProcessIsIgnored) {
  KubeletReplaced();
  Wait(kTimeToNotice);
  Do(DeadlinePassed{});
  Killed("kvm", 100, 9);
  EXPECT_THAT(Sockets(100, true), IsEmpty());
  Do(DeadlinePassed{});
  Spawn("kvm", 101);
  EXPECT_THAT(Sockets(100, true), IsEmpty());
  EXPECT_EQ(Kvm().phase, PluginPhase::kRunning);
}

TEST_F(ForeignPluginTest, IsNotLookedAtWhileItStops) {
  KubeletReplaced();
  EXPECT_THAT(Want({}), ElementsAre("terminate kvm"));
  Wait(kTimeToNotice);
  EXPECT_THAT(Do(DeadlinePassed{}), ElementsAre("kill kvm")) << "nothing but the end of its grace";
}

TEST_F(ForeignPluginTest, PluginsOfOursAreNotLookedAt) {
  Want({});
  Exited("kvm", 100, 0);
  Want({OwnSpec("kvm")});
  Spawn("kvm", 101);
  Report("kvm", 101, RegistrationPhase::kStreaming);
  Accepts(0);
  KubeletReplaced();
  Wait(kTimeToNotice);
  EXPECT_THAT(Do(DeadlinePassed{}), IsEmpty());
  EXPECT_EQ(Kvm().accepted, std::nullopt);
  EXPECT_EQ(Kvm().note, "");
}

}  // namespace
}  // namespace nodedevice::testing
