// Plugins that do what plugins do at 3 a.m. Each ends in a clear message, and heals by itself when
// the cause is gone.

#include <signal.h>

#include <filesystem>

#include "tests/integration/agent/agent_fixture.h"

namespace nodedevice::testing {
namespace {

using ::testing::HasSubstr;

TEST_F(AgentTest, AMissingBinaryIsNamedAndStartedOnceItIsThere) {
  StartDeviceManager();
  WriteConfig({ExecEntry("vendor", folder_ + "/vendor")});
  StartAgent();
  const std::string message = "cannot start " + folder_ + "/vendor: No such file or directory";
  ASSERT_TRUE(WaitFor([&] { return ReadinessSays(message); }));
  EXPECT_GE(Metric("plugin_restarts_total{plugin=\"vendor\",reason=\"start_failed\"}"), 1);
  EXPECT_THAT(Get("/").body, HasSubstr(message));
  EXPECT_THAT(Log(), HasSubstr("plugin vendor: " + message));

  Script("vendor", "exec sleep 1000");
  EXPECT_TRUE(WaitFor([this] { return IsReady(); }));
}

TEST_F(AgentTest, APluginThatExitsAtOnceIsACrashLoopUntilItsCauseIsGone) {
  StartDeviceManager();
  WriteConfig({ExecEntry("vendor", Script("vendor",
                                          "test -e cure || { echo no cure >&2; exit 3; }\n"
                                          "exec sleep 1000"))});
  StartAgent();
  ASSERT_TRUE(WaitFor([this] { return ReadinessSays("exited with 3, 2 failures in a row"); }));
  EXPECT_GE(Metric("plugin_restarts_total{plugin=\"vendor\",reason=\"exited\"}"), 2);
  EXPECT_THAT(Log(), HasSubstr("[vendor] no cure"));

  dir_.Write("cure", "");
  EXPECT_TRUE(WaitFor([this] { return IsReady(); }));
}

TEST_F(AgentTest, APluginOfOursThatNeverRegistersIsNotReadyAndStillEndsWithTheAgent) {
  StartDeviceManager();
  Script("node-device-plugin", "echo $$ > pid; exec sleep 1000");
  WriteConfig({OwnEntry("own", "example.com/own")});
  StartAgent();
  const int pid = PidIn("pid");
  EXPECT_TRUE(ReadinessSays("plugin own: Starting"));
  EXPECT_EQ(Metric("plugin_up{plugin=\"own\"}"), 0);
  Signal(SIGTERM);
  EXPECT_EQ(WaitForAgentExit().number, 0);
  EXPECT_TRUE(IsDead(pid));
}

TEST_F(AgentTest, APluginThatIgnoresSigtermIsKilledWithItsGroupAfterItsGrace) {
  StartDeviceManager();
  WriteConfig({ExecEntry("vendor", Script("vendor",
                                          "trap '' TERM; (sleep 1000; :) & echo $! > helper\n"
                                          "echo $$ > pid; while :; do sleep 1; done"))});
  StartAgent();
  const int pid = PidIn("pid");
  const int helper = PidIn("helper");
  WriteConfig({});
  ASSERT_TRUE(WaitFor([&] { return IsDead(pid) && IsDead(helper); }));
  EXPECT_THAT(Log(), HasSubstr("plugin vendor: did not end in time, killing its process group"));
  EXPECT_TRUE(WaitFor([this] { return IsReady(); }));
}

TEST_F(AgentTest, APluginThatPrintsMegabytesNeitherBlocksNorFloods) {
  StartDeviceManager();
  WriteConfig({ExecEntry("vendor", Script("vendor",
                                          "yes 'a line of a plugin that has much to say' | head -c "
                                          "20000000\nhead -c 5000000 /dev/zero\necho done > done\n"
                                          "exec sleep 1000"))});
  StartAgent();
  ASSERT_TRUE(WaitFor([this] { return FileText("done") == "done\n"; })) << "it was blocked";
  EXPECT_TRUE(IsReady());
  EXPECT_LT(Log().size(), 100'000u);
  Signal(SIGTERM);
  WaitForAgentExit();
  EXPECT_THAT(Log(), HasSubstr("more lines, which are not logged"));
}

TEST_F(AgentTest, TheHelpersOfAPluginThatCrashesGoWithIt) {
  StartDeviceManager();
  WriteConfig({ExecEntry("vendor", Script("vendor",
                                          "test -e helper && exec sleep 1000\n"
                                          "sleep 1000 & echo $! > helper; exit 1"))});
  StartAgent();
  const int helper = PidIn("helper");
  EXPECT_TRUE(WaitFor([&] { return IsDead(helper) && IsReady(); }));
}

TEST_F(AgentTest, OrphansAreAdoptedAndReaped) {
  StartDeviceManager();
  // A daemon of the old school: its parent ends, then it does.
  WriteConfig({ExecEntry("vendor", Script("vendor",
                                          "(sh -c 'echo $$ > orphan; while ! test -e go; "
                                          "do sleep 0.01; done' &)\nexec sleep 1000"))});
  StartAgent();
  const int orphan = PidIn("orphan");
  dir_.Write("go", "");
  EXPECT_TRUE(WaitFor([&] { return !std::filesystem::exists(absl::StrCat("/proc/", orphan)); }))
      << "it stays a zombie";
}

TEST_F(AgentTest, AKilledPluginIsBackAtOnceAndCountsOnce) {
  StartDeviceManager();
  WriteConfig({ExecEntry("vendor", Script("vendor", "echo $$ > pid; exec sleep 1000"))});
  StartAgent();
  const int pid = PidIn("pid");
  ASSERT_TRUE(WaitFor([this] { return IsReady(); }));
  ASSERT_EQ(::kill(pid, SIGKILL), 0);
  ASSERT_TRUE(WaitFor([&] { return PidIn("pid") != pid && IsReady(); }));
  EXPECT_EQ(Metric("plugin_restarts_total{plugin=\"vendor\",reason=\"signaled\"}"), 1);
  EXPECT_EQ(Metric("plugin_restarts_total{plugin=\"vendor\",reason=\"exited\"}"), 0);
  EXPECT_THAT(Get("/").body, HasSubstr("killed by signal 9 (Killed)"));
}

}  // namespace
}  // namespace nodedevice::testing
