// The agent as an administrator meets it.

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>

#include "lib/api/plugin_report.h"
#include "lib/base/clock.h"
#include "tests/integration/agent/agent_fixture.h"

namespace nodedevice::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

// Reports `resource` as registered, the count of registrations as given.
std::string ReportCommand(const std::string& resource, RegistrationPhase phase, int registrations) {
  ResourceReport report;
  report.resource = resource;
  report.phase = phase;
  report.registrations_ok = static_cast<std::uint64_t>(registrations);
  report.healthy = 1;
  report.devices = {{.id = "one", .healthy = true, .reason = "", .paths = "", .numa_nodes = {}}};
  return "echo '" + ToLine({{report}}) + "' >&3\n";
}

TEST_F(AgentTest, StartsPluginsOnceThereIsADeviceManager) {
  WriteConfig({ExecEntry("vendor", Script("vendor", "echo $$ > pid; exec sleep 1000"))});
  StartAgent();
  ASSERT_TRUE(WaitFor(
      [this] { return ReadinessSays("plugin vendor: Held, waits for the Device Manager"); }));
  EXPECT_TRUE(ReadinessSays("the Device Manager is down: "));
  EXPECT_EQ(Metric("device_manager_up"), 0);
  EXPECT_EQ(FileText("pid"), "");

  StartDeviceManager();
  EXPECT_TRUE(WaitFor([this] { return IsReady(); }));
  EXPECT_EQ(Metric("device_manager_up"), 1);
  EXPECT_EQ(Metric("device_manager_restarts_total"), 0);
}

TEST_F(AgentTest, CountsDeviceManagerRestartsAndLeavesPluginsAlone) {
  StartDeviceManager();
  WriteConfig({ExecEntry("vendor", Script("vendor", "echo $$ > pid; exec sleep 1000"))});
  StartAgent();
  const int pid = PidIn("pid");
  ASSERT_TRUE(WaitFor([this] { return IsReady(); }));
  StopDeviceManager();
  StartDeviceManager();
  EXPECT_TRUE(WaitFor([this] { return Metric("device_manager_restarts_total") == 1; }));
  EXPECT_TRUE(WaitFor([this] { return IsReady(); }));
  EXPECT_FALSE(IsDead(pid));
}

TEST_F(AgentTest, KeepsTheLastGoodConfigurationWhileTheNewestIsWrong) {
  StartDeviceManager();
  WriteConfig({ExecEntry("first", Script("first", "echo $$ > first.pid; exec sleep 1000"))});
  StartAgent();
  const int first = PidIn("first.pid");
  ASSERT_TRUE(WaitFor([this] { return IsReady(); }));

  WriteConfig({"{name: first, resourceName: widget, exec: {command: [/bin/true]}}"});
  ASSERT_TRUE(WaitFor([this] { return Metric("config_rejected") == 1; }));
  EXPECT_TRUE(IsReady());
  EXPECT_FALSE(IsDead(first));
  EXPECT_EQ(Metric("config_last_success_generation"), 1);
  EXPECT_THAT(Get("/").body, HasSubstr("spec.plugins[0].resourceName"));
  EXPECT_THAT(Log(), HasSubstr("the last good configuration stays in force: "));

  WriteConfig({ExecEntry("second", Script("second", "echo $$ > second.pid; exec sleep 1000"))});
  PidIn("second.pid");
  EXPECT_TRUE(WaitFor([&] { return IsDead(first) && IsReady(); }));
  EXPECT_EQ(Metric("config_rejected"), 0);
  EXPECT_EQ(Metric("config_last_success_generation"), 2);
}

TEST_F(AgentTest, WaitsForAConfigurationThatDoesNotExistYet) {
  StartDeviceManager();
  StartAgent();
  ASSERT_TRUE(WaitFor([this] { return ReadinessSays("no configuration was accepted yet: "); }));
  EXPECT_TRUE(ReadinessSays("config.yaml: No such file or directory"));
  WriteConfig({});
  EXPECT_TRUE(WaitFor([this] { return IsReady(); }));
}

TEST_F(AgentTest, FollowsTheReportsOfItsOwnPlugins) {
  StartDeviceManager();
  const std::string resource = "example.com/own";
  Script("node-device-plugin",
         "echo \"$@\" > arguments\n" + ReportCommand(resource, RegistrationPhase::kRegistering, 0) +
             "echo garbage >&3\n" + ReportCommand(resource, RegistrationPhase::kStreaming, 2) +
             "while ! test -e lose; do sleep 0.01; done\n" +
             ReportCommand(resource, RegistrationPhase::kWaiting, 2) +
             "while ! test -e find; do sleep 0.01; done\n" +
             ReportCommand(resource, RegistrationPhase::kStreaming, 3) + "exec sleep 1000");
  WriteConfig({OwnEntry("own", resource)});
  StartAgent();
  ASSERT_TRUE(WaitFor([this] { return IsReady(); }));
  EXPECT_THAT(FileText("arguments"),
              AllOf(HasSubstr("--plugin {"), HasSubstr("--host-root " + folder_ + "/host"),
                    HasSubstr("--kubelet-dir " + folder_ + "/kubelet"),
                    HasSubstr("--log-format json --log-level info")));
  EXPECT_EQ(Metric("plugin_up{plugin=\"own\"}"), 1);
  EXPECT_EQ(Metric("stream_connected{resource=\"example.com/own\"}"), 1);
  EXPECT_EQ(Metric("devices{resource=\"example.com/own\",health=\"Healthy\"}"), 1);
  EXPECT_EQ(Metric("registrations_total{resource=\"example.com/own\",result=\"ok\"}"), 2);

  dir_.Write("lose", "");
  EXPECT_TRUE(
      WaitFor([this] { return ReadinessSays("plugin own: Starting, example.com/own is "); }));
  dir_.Write("find", "");
  EXPECT_TRUE(WaitFor([this] { return IsReady(); }));
  EXPECT_EQ(Metric("registrations_total{resource=\"example.com/own\",result=\"ok\"}"), 3);
}

TEST_F(AgentTest, WithdrawsAPluginOfOursThatLeftTheConfigurationAndRestartsAChangedOne) {
  StartDeviceManager();
  // The first argument after --plugin is the entry: its name tells the two processes apart.
  Script("node-device-plugin",
         "case \"$2\" in *leaves*) me=leaves ;; *) me=changes ;; esac\n"
         "trap 'echo TERM >> $me.signals; exit 0' TERM\n"
         "trap 'echo USR1 >> $me.signals; exit 0' USR1\n"
         "echo $$ > $me.pid\nwhile :; do sleep 0.01; done");
  WriteConfig(
      {OwnEntry("leaves", "example.com/leaves"), OwnEntry("changes", "example.com/changes")});
  StartAgent();
  PidIn("leaves.pid");
  const int changes = PidIn("changes.pid");
  WriteConfig(
      {"{name: changes, resourceName: example.com/changes, static: {devices: [{id: two}]}}"});
  EXPECT_TRUE(WaitFor([&] { return PidIn("changes.pid") != changes; }));
  EXPECT_TRUE(WaitFor([this] { return FileText("leaves.signals") == "USR1\n"; }));
  EXPECT_EQ(FileText("changes.signals"), "TERM\n");
  EXPECT_EQ(Metric("plugin_restarts_total{plugin=\"changes\",reason=\"exited\"}"), 0)
      << "a planned restart is none";
}

TEST_F(AgentTest, StopsEveryPluginAndExitsWithZero) {
  StartDeviceManager();
  WriteConfig({ExecEntry("vendor", Script("vendor",
                                          "trap 'echo bye; exit 0' TERM; echo $$ > pid\n"
                                          "while :; do sleep 0.01; done"))});
  StartAgent();
  const int pid = PidIn("pid");
  Signal(SIGTERM);
  const ChildExit exit = WaitForAgentExit();
  EXPECT_FALSE(exit.signaled);
  EXPECT_EQ(exit.number, 0);
  EXPECT_TRUE(IsDead(pid));
  EXPECT_THAT(Log(), AllOf(HasSubstr("[vendor] bye"), HasSubstr("every plugin has ended")));
}

TEST_F(AgentTest, EndsWhenOnlyTheMountOfTheDevicePluginsFolderIsLeft) {
  // In a container the folder is a mount, which outlives its removal: a path to a nameless folder.
  const auto mounted = dir_.path() / "kubelet/device-plugins";
  const auto on_host = dir_.path() / "on-host";
  std::filesystem::rename(mounted, on_host);
  const UniqueFd mount(::open(on_host.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  std::filesystem::create_symlink(
      "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(mount.get()), mounted);
  StartDeviceManager();
  WriteConfig({ExecEntry("vendor", Script("vendor", "echo $$ > pid; exec sleep 1000"))});
  StartAgent();
  const int pid = PidIn("pid");
  StopDeviceManager();
  std::filesystem::remove_all(on_host);
  const ChildExit exit = WaitForAgentExit();
  EXPECT_FALSE(exit.signaled);
  EXPECT_EQ(exit.number, 1);
  EXPECT_TRUE(IsDead(pid));
  EXPECT_THAT(Log(), HasSubstr("was removed from the node"));
}

TEST_F(AgentTest, LeavesNobodyBehindWhenItIsKilled) {
  StartDeviceManager();
  Script("node-device-plugin", "echo $$ > own.pid; exec sleep 1000");
  WriteConfig({OwnEntry("own", "example.com/own"),
               ExecEntry("vendor", Script("vendor",
                                          "trap '' TERM HUP; echo $$ > vendor.pid\n"
                                          "while :; do sleep 0.1; done"))});
  StartAgent();
  const int own = PidIn("own.pid");
  const int vendor = PidIn("vendor.pid");
  const TimePoint killed = Clock::now();
  Signal(SIGKILL);
  EXPECT_TRUE(WaitForAgentExit().signaled);
  EXPECT_TRUE(WaitFor([&] { return IsDead(own) && IsDead(vendor); }));
  EXPECT_LT(Clock::now() - killed, std::chrono::seconds(2));
}

TEST_F(AgentTest, ServesMetricsThatPromtoolFindsNothingWrongWith) {
  StartDeviceManager();
  Script("node-device-plugin",
         ReportCommand("example.com/own", RegistrationPhase::kStreaming, 1) + "exec sleep 1000");
  WriteConfig({OwnEntry("own", "example.com/own")});
  StartAgent();
  ASSERT_TRUE(WaitFor([this] { return IsReady(); }));
  const HttpAnswer answer = Get("/metrics");
  EXPECT_THAT(answer.head, HasSubstr("Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
  EXPECT_THAT(answer.body, HasSubstr("process_resident_memory_bytes"));
  if (std::system("command -v promtool > /dev/null") != 0) {
    GTEST_SKIP() << "there is no promtool here";
  }
  const std::string file = dir_.Write("metrics", answer.body).string();
  EXPECT_EQ(std::system(("promtool check metrics < " + file).c_str()), 0);
}

// ---- the command line --------------------------------------------------------------------------

TEST_F(AgentTest, CheckAcceptsAValidConfiguration) {
  WriteConfig({ExecEntry("vendor", "/bin/true")});
  const Outcome outcome = RunProgram({"--config", folder_ + "/config.yaml", "--check"});
  EXPECT_EQ(outcome.exit.number, 0);
  EXPECT_EQ(outcome.output,
            folder_ + "/config.yaml: valid, 1 plugin: vendor (example.com/vendor)\n");
}

TEST_F(AgentTest, CheckListsEveryErrorOnALineWithItsField) {
  WriteConfig({"{name: a, resourceName: widget, exec: {command: [/bin/true]}}",
               "{name: a, resourceName: example.com/b, exec: {command: [/bin/true]}}"});
  const Outcome outcome = RunProgram({"--config", folder_ + "/config.yaml", "--check"});
  EXPECT_EQ(outcome.exit.number, 1);
  EXPECT_THAT(outcome.output, AllOf(::testing::StartsWith("spec.plugins[0].resourceName: "),
                                    HasSubstr("\nspec.plugins[1].name: ")));
}

TEST_F(AgentTest, RefusesToServePlainHttpToOthers) {
  const Outcome outcome =
      RunProgram({"--config", folder_ + "/config.yaml", "--listen", "0.0.0.0:9807"});
  EXPECT_EQ(outcome.exit.number, 1);
  EXPECT_THAT(outcome.output,
              HasSubstr("--listen 0.0.0.0:9807: plain HTTP is served on loopback only"));
}

TEST_F(AgentTest, PrintsItsVersion) {
  const Outcome outcome = RunProgram({"--version"});
  EXPECT_EQ(outcome.exit.number, 0);
  EXPECT_EQ(outcome.output, "node-device-agent " NODEDEVICE_VERSION "\n");
}

}  // namespace
}  // namespace nodedevice::testing
