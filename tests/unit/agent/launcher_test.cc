#include "agent/launcher.h"

#include <signal.h>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "lib/base/file.h"
#include "tests/support/run_until.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/agent/log_capture.h"
#include "tests/unit/agent/supervisor_fixture.h"

namespace nodedevice::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(SpawnOptionsForTest, StartsOurOwnPluginWithItsEntryAndAReportPipe) {
  const SpawnOptions options =
      SpawnOptionsFor(OwnSpec("kvm"), {.plugin_binary = "/opt/node-device-plugin",
                                       .host_root = "/host",
                                       .kubelet_dir = "/kubelet",
                                       .log_level = "debug"});
  EXPECT_THAT(options.command,
              ElementsAre("/opt/node-device-plugin", "--plugin", "{\"name\":\"kvm\"}",
                          "--host-root", "/host", "--kubelet-dir", "/kubelet", "--log-format",
                          "json", "--log-level", "debug"));
  EXPECT_TRUE(options.report_pipe);
  EXPECT_EQ(options.parent_death_signal, SIGTERM);
}

TEST(SpawnOptionsForTest, StartsAForeignPluginAsItIs) {
  const SpawnOptions options = SpawnOptionsFor(ExecSpec("vendor", {"/opt/vendor", "--flag"}), {});
  EXPECT_THAT(options.command, ElementsAre("/opt/vendor", "--flag"));
  EXPECT_FALSE(options.report_pipe);
  EXPECT_EQ(options.parent_death_signal, SIGKILL);
}

// A shell script in the place of node-device-plugin.
class LauncherTest : public ::testing::Test {
 protected:
  void StartScript(const std::string& script) {
    const auto path = dir_.Write("plugin", "#!/bin/sh\n" + script + "\n");
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
    launcher_.reset();
    processes_ = std::make_unique<ChildProcesses>(loop_);
    launcher_ = std::make_unique<Launcher>(
        *processes_, LaunchSettings{.plugin_binary = path},
        Launcher::Callbacks{.on_report = [this](const Reported& r) { reports_.push_back(r); },
                            .on_exit = [this](const ChildExited& e) { exits_.push_back(e); }});
    const absl::StatusOr<int> pid = launcher_->StartPlugin(OwnSpec("kvm"));
    ASSERT_TRUE(pid.ok()) << pid.status();
    pid_ = *pid;
  }

  bool UntilExit() {
    return RunUntil(loop_, [this] {
      processes_->Reap();
      return !exits_.empty();
    });
  }

  static std::string Line(const std::string& resource) {
    return ToLine({{ResourceIn(RegistrationPhase::kStreaming, resource)}});
  }

  TempDir dir_;
  EventLoop loop_;
  std::vector<Reported> reports_;
  std::vector<ChildExited> exits_;
  std::unique_ptr<ChildProcesses> processes_;
  std::unique_ptr<Launcher> launcher_;
  int pid_ = 0;
};

TEST_F(LauncherTest, HandsOverReports) {
  StartScript("echo '" + Line("a/first") + "' >&3; read never; exec sleep 1000");
  ASSERT_TRUE(RunUntil(loop_, [this] { return !reports_.empty(); }));
  EXPECT_EQ(reports_[0].plugin, "kvm");
  EXPECT_EQ(reports_[0].pid, pid_);
  EXPECT_EQ(reports_[0].report.resources.at(0).resource, "a/first");
}

TEST_F(LauncherTest, DropsAReportThatCannotBeReadAndTakesTheNext) {
  const LogCapture log;
  const auto go = dir_.MakeNode("go");
  StartScript("echo 'not json' >&3; read go < " + go.string() + "; echo '" + Line("a/second") +
              "' >&3; exec sleep 1000");
  ASSERT_TRUE(RunUntil(loop_, [&log] {
    return log.text().find("[kvm] a report is unreadable and ignored: ") != std::string::npos;
  }));
  EXPECT_THAT(reports_, IsEmpty());
  dir_.Write("go", "\n");
  ASSERT_TRUE(RunUntil(loop_, [this] { return !reports_.empty(); }));
  EXPECT_EQ(reports_[0].report.resources.at(0).resource, "a/second");
  processes_->Reap();
  EXPECT_THAT(exits_, IsEmpty()) << "nobody is killed for an unreadable line";
}

TEST_F(LauncherTest, DropsAReportWithoutEnd) {
  const LogCapture log;
  StartScript("head -c 3000000 /dev/zero | tr '\\0' x >&3; echo >&3; echo '" + Line("a/second") +
              "' >&3; exec sleep 1000");
  ASSERT_TRUE(RunUntil(loop_, [this] { return !reports_.empty(); }));
  EXPECT_EQ(reports_[0].report.resources.at(0).resource, "a/second");
}

TEST_F(LauncherTest, TellsHowAPluginEnded) {
  StartScript("exit 7");
  ASSERT_TRUE(UntilExit());
  EXPECT_EQ(exits_[0].plugin, "kvm");
  EXPECT_EQ(exits_[0].exit, (ChildExit{.pid = pid_, .signaled = false, .number = 7}));
}

TEST_F(LauncherTest, SignalsForARestartAndForAWithdrawal) {
  const std::string script = "trap 'exit 15' TERM; trap 'exit 10' USR1; echo '" + Line("a/b") +
                             "' >&3; while :; do sleep 0.01; done";
  StartScript(script);
  ASSERT_TRUE(RunUntil(loop_, [this] { return !reports_.empty(); }));
  launcher_->Signal("kvm", StopMode::kRestart);
  ASSERT_TRUE(UntilExit());
  EXPECT_EQ(exits_[0].exit.number, 15);

  exits_.clear();
  reports_.clear();
  StartScript(script);
  ASSERT_TRUE(RunUntil(loop_, [this] { return !reports_.empty(); }));
  launcher_->Signal("kvm", StopMode::kWithdraw);
  ASSERT_TRUE(UntilExit());
  EXPECT_EQ(exits_[0].exit.number, 10);
}

TEST_F(LauncherTest, KillsTheHelpersOfAPluginThatEnded) {
  StartScript("sleep 1000 & echo $! > " + dir_.Under("helper").string() + "; exit 1");
  ASSERT_TRUE(UntilExit());
  // Nobody is left in the group but, for a moment, its dead.
  EXPECT_TRUE(RunUntil(loop_, [this] {
    processes_->Reap();
    if (::kill(-pid_, 0) != 0) return true;
    const auto helper = ReadAttribute(dir_.path() / "helper");
    const auto stat = ReadAttribute("/proc/" + helper.value_or("0") + "/stat");
    return !stat.ok() || stat->find(") Z ") != std::string::npos;
  }));
}

TEST_F(LauncherTest, KillsWhatStillRunsAtItsOwnEnd) {
  StartScript("exec sleep 1000");
  processes_.reset();
  bool ended = false;
  EXPECT_TRUE(RunUntil(loop_, [&] {
    ReapChildren([&](const ChildExit& exit) { ended = ended || exit.pid == pid_; });
    return ended;
  }));
}

}  // namespace
}  // namespace nodedevice::testing
