// Stories of a node, each played by the real programs.
#include <fcntl.h>
#include <linux/fs.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "lib/base/unique_fd.h"
#include "lib/kubelet/socket_identity.h"
#include "tests/integration/node/node_fixture.h"
#include "tests/support/unix_listener.h"

namespace nodedevice::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr char kHealthy[] = R"(devices{resource="example.com/tty",health="Healthy"})";
constexpr char kUnhealthy[] = R"(devices{resource="example.com/tty",health="Unhealthy"})";

class OneTtyTest : public NodeTest {
 protected:
  void SetUp() override {
    Plug("dev/tty0");
    Plug("dev/tty1");
    Configure({PathsEntry("tty", "/dev/tty*")});
    StartDeviceManager();
    StartAgent();
    ASSERT_TRUE(WaitUntilReady()) << agent().Output();
  }
};

TEST_F(OneTtyTest, DevicesReachTheDeviceManagerAndAPod) {
  EXPECT_TRUE(WaitForCounts("example.com/tty", 2, 2));
  EXPECT_TRUE(WaitForMetric(kHealthy, 2));
  const ProgramResult admitted =
      DeviceManagerSays("admit", {PodFile("one", {{"example.com/tty", 1}})});
  ASSERT_EQ(admitted.code, 0) << admitted.output;
  const auto answer = nlohmann::json::parse(admitted.output);
  const auto& devices = answer["containers"][0]["spec"]["devices"];
  ASSERT_THAT(devices, SizeIs(1));
  // What a container is told never carries the host root.
  EXPECT_EQ(devices[0]["hostPath"], "/dev/tty0");
  EXPECT_EQ(devices[0]["containerPath"], "/dev/tty0");
  EXPECT_EQ(devices[0]["permissions"], "rw");
}

TEST_F(OneTtyTest, MetricsPassPromtool) {
  Unplug("dev/tty1");  // so that the reason of an unhealthy device is among them
  ASSERT_TRUE(WaitForMetric(kUnhealthy, 1));
  const std::string file = dir_.Write("metrics.txt", Get("/metrics").body);
  EXPECT_EQ(std::system(("promtool check metrics < " + file).c_str()), 0);
}

TEST_F(OneTtyTest, AnUnpluggedDeviceIsUnhealthyWithItsReasonAndComesBack) {
  Unplug("dev/tty1");
  EXPECT_TRUE(WaitForCounts("example.com/tty", 2, 1));
  EXPECT_TRUE(WaitForMetric(kUnhealthy, 1));
  EXPECT_THAT(Get("/metrics").body, HasSubstr("reason=\"/dev/tty1 is gone\""));
  EXPECT_THAT(Get("/").body, HasSubstr("/dev/tty1 is gone"));
  Plug("dev/tty1");
  EXPECT_TRUE(WaitForCounts("example.com/tty", 2, 2));
  EXPECT_TRUE(WaitForMetric(kUnhealthy, 0));
}

TEST_F(OneTtyTest, ANewDeviceIsAnnounced) {
  Plug("dev/tty2");
  EXPECT_TRUE(WaitForCounts("example.com/tty", 3, 3));
}

TEST_F(OneTtyTest, ARestartedDeviceManagerGetsEverythingBackByItself) {
  const std::vector<pid_t> before = Plugins();
  for (int round = 1; round <= 3; ++round) {
    ASSERT_EQ(DeviceManagerSays("restart").code, 0);
    EXPECT_TRUE(WaitForMetric("device_manager_restarts_total", round)) << agent().Output();
    EXPECT_TRUE(WaitForCounts("example.com/tty", 2, 2)) << agent().Output();
    EXPECT_TRUE(WaitUntilReady());
  }
  // Plugins heal themselves: none was restarted for it.
  EXPECT_EQ(Plugins(), before);
}

TEST_F(OneTtyTest, AKilledDeviceManagerIsDownAndItsStaleSocketFoolsNobody) {
  EndDeviceManager(SIGKILL);
  EXPECT_TRUE(WaitForMetric("device_manager_up", 0)) << agent().Output();
  EXPECT_EQ(Get("/readyz").status, 503);
  EXPECT_THAT(Plugins(), SizeIs(1));
  StartDeviceManager();
  EXPECT_TRUE(WaitForCounts("example.com/tty", 2, 2)) << agent().Output();
  EXPECT_TRUE(WaitForMetric("device_manager_restarts_total", 1));
}

TEST_F(OneTtyTest, AKilledPluginIsBackWithOneRestartCounted) {
  const std::vector<pid_t> before = Plugins();
  ASSERT_THAT(before, SizeIs(1));
  ASSERT_EQ(::kill(before[0], SIGKILL), 0);
  EXPECT_TRUE(WaitForMetric(R"(plugin_restarts_total{plugin="tty",reason="signaled"})", 1))
      << Get("/metrics").body;
  EXPECT_TRUE(WaitForCounts("example.com/tty", 2, 2));
  EXPECT_TRUE(WaitUntilReady());
  EXPECT_NE(Plugins(), before);
  EXPECT_EQ(Metric(R"(plugin_restarts_total{plugin="tty",reason="signaled"})"), 1);
}

TEST_F(OneTtyTest, AKilledAgentLeavesNoPluginBehind) {
  const std::vector<pid_t> plugins = Plugins();
  EndAgent(SIGKILL);
  for (const pid_t plugin : plugins) {
    EXPECT_TRUE(WaitFor([plugin] { return HasEnded(plugin); }));
  }
  // The capacity stays for a restart; the next agent takes over.
  EXPECT_TRUE(WaitForCounts("example.com/tty", 2, 0));
  StartAgent();
  EXPECT_TRUE(WaitForCounts("example.com/tty", 2, 2)) << agent().Output();
}

TEST_F(OneTtyTest, AStoppedAgentStopsItsPluginsAndKeepsTheCapacity) {
  EndAgent(SIGTERM);
  EXPECT_THAT(Plugins(), SizeIs(0));
  EXPECT_TRUE(WaitForCounts("example.com/tty", 2, 0));
}

TEST_F(OneTtyTest, AnEditTouchesOnlyWhatItChanges) {
  Plug("dev/other");
  Configure({PathsEntry("tty", "/dev/tty*"), PathsEntry("other", "/dev/other")});
  ASSERT_TRUE(WaitForCounts("example.com/other", 1, 1)) << agent().Output();
  const std::vector<pid_t> before = Plugins();
  ASSERT_THAT(before, SizeIs(2));
  Configure({PathsEntry("tty", "/dev/tty*"),
             PathsEntry("other", "/dev/other", ", sharing: {replicas: 5}")});
  EXPECT_TRUE(WaitForCounts("example.com/other", 5, 5)) << agent().Output();
  int kept = 0;
  for (const pid_t pid : Plugins()) {
    kept += static_cast<int>(std::count(before.begin(), before.end(), pid));
  }
  EXPECT_EQ(kept, 1);
  // What leaves the configuration is withdrawn: no five minutes of grace.
  Configure({PathsEntry("tty", "/dev/tty*")});
  EXPECT_TRUE(WaitForCounts("example.com/other", 0, 0)) << agent().Output();
  EXPECT_TRUE(WaitForCounts("example.com/tty", 2, 2));
}

TEST_F(OneTtyTest, ABadEditKeepsTheLastGoodConfigurationAndSaysSo) {
  const std::vector<pid_t> before = Plugins();
  ConfigureText(
      "apiVersion: nodedevices.io/v1alpha1\nkind: DevicePluginConfig\n"
      "metadata: {name: test}\nspec: {plugins: [{name: tty, resourceName: tty}]}\n");
  EXPECT_TRUE(WaitForMetric("config_rejected", 1));
  EXPECT_THAT(Get("/").body, HasSubstr("spec.plugins[0].resourceName"));
  EXPECT_EQ(Plugins(), before);
  EXPECT_TRUE(WaitForCounts("example.com/tty", 2, 2));
  Configure({PathsEntry("tty", "/dev/tty*")});
  EXPECT_TRUE(WaitForMetric("config_rejected", 0));
}

TEST_F(OneTtyTest, ARemovedDevicePluginsFolderIsNoticedAndItsReturnToo) {
  std::filesystem::remove_all(dir_.path() / "k/device-plugins");
  EXPECT_TRUE(WaitForMetric("device_manager_up", 0)) << agent().Output();
  EndDeviceManager(SIGKILL);
  StartDeviceManager();
  EXPECT_TRUE(WaitForCounts("example.com/tty", 2, 2)) << agent().Output();
  EXPECT_TRUE(WaitUntilReady());
}

TEST_F(OneTtyTest, SharingPreferenceAndDeletedPods) {
  Configure({PathsEntry("tty", "/dev/tty*",
                        ", sharing: {replicas: 2, failRequestsGreaterThanOne: true}")});
  ASSERT_TRUE(WaitForCounts("example.com/tty", 4, 4)) << agent().Output();
  const ProgramResult two = DeviceManagerSays("admit", {PodFile("two", {{"example.com/tty", 2}})});
  EXPECT_EQ(two.code, 1);
  EXPECT_THAT(two.output, HasSubstr("UnexpectedAdmissionError"));
  EXPECT_THAT(two.output, HasSubstr("a container may request one of it, not 2"));
  for (const std::string pod : {"a", "b", "c", "d"}) {
    EXPECT_EQ(DeviceManagerSays("admit", {PodFile(pod, {{"example.com/tty", 1}})}).code, 0);
  }
  const ProgramResult fifth = DeviceManagerSays("admit", {PodFile("e", {{"example.com/tty", 1}})});
  EXPECT_EQ(fifth.code, 1);
  EXPECT_EQ(DeviceManagerSays("delete", {"b"}).code, 0);
  EXPECT_EQ(DeviceManagerSays("admit", {PodFile("e", {{"example.com/tty", 1}})}).code, 0);
}

TEST_F(NodeTest, TheAgentWaitsForAKubeletThatRefusesAndForAFolderThatIsMissing) {
  Plug("dev/tty0");
  Configure({PathsEntry("tty", "/dev/tty*")});
  StartAgent();
  EXPECT_TRUE(WaitForMetric("device_manager_up", 0));
  EXPECT_THAT(Get("/readyz").body, HasSubstr("does not exist"));
  // A socket that nobody answers on: what a stopped kubelet leaves behind.
  { UnixListener(dir_.Under("k/device-plugins/kubelet.sock")); }
  ASSERT_TRUE(ReadSocketIdentity(dir_.path() / "k/device-plugins/kubelet.sock").has_value());
  EXPECT_TRUE(WaitFor([this] {
    return Get("/readyz").body.find("Connection refused") != std::string::npos;
  })) << Get("/readyz").body;
  StartDeviceManager();
  EXPECT_TRUE(WaitForCounts("example.com/tty", 1, 1)) << agent().Output();
  EXPECT_TRUE(WaitForMetric("device_manager_up", 1));
}

// Makes a folder refuse new entries, for root too, while it lives.
class ReadOnlyFolder {
 public:
  explicit ReadOnlyFolder(const std::filesystem::path& path)
      : path_(path), fd_(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
    std::filesystem::permissions(path_, std::filesystem::perms(0555));
    SetImmutable(true);
  }
  ~ReadOnlyFolder() {
    SetImmutable(false);
    std::filesystem::permissions(path_, std::filesystem::perms(0755));
  }
  bool Works() const { return ::access(path_.c_str(), W_OK) != 0; }

 private:
  void SetImmutable(bool on) const {
    int flags = 0;
    if (::ioctl(fd_.get(), FS_IOC_GETFLAGS, &flags) != 0) return;
    flags = on ? flags | FS_IMMUTABLE_FL : flags & ~FS_IMMUTABLE_FL;
    ::ioctl(fd_.get(), FS_IOC_SETFLAGS, &flags);
  }
  std::filesystem::path path_;
  UniqueFd fd_;
};

TEST_F(NodeTest, APluginWaitsForAFolderThatIsReadOnly) {
  Plug("dev/tty0");
  Configure({PathsEntry("tty", "/dev/tty*")});
  StartDeviceManager();
  {
    const ReadOnlyFolder refuses(dir_.path() / "k/device-plugins");
    if (!refuses.Works()) GTEST_SKIP() << "this file system cannot refuse root";
    StartAgent();
    EXPECT_TRUE(WaitFor([this] {
      return Get("/").body.find("cannot make a socket in ") != std::string::npos;
    })) << agent().Output();
    EXPECT_EQ(Get("/readyz").status, 503);
  }
  EXPECT_TRUE(WaitForCounts("example.com/tty", 1, 1)) << agent().Output();
}

TEST_F(NodeTest, ASocketPathThatIsTooLongIsExplained) {
  Plug("dev/tty0");
  StartDeviceManager();
  const std::string entry =
      R"({"name":"tty","resourceName":"example.com/tty","paths":{"groups":[{"paths":[{"path":"/dev/tty*"}]}]}})";
  std::string longer = (dir_.path() / "k").string();
  while (longer.size() < 100) longer += "/.";
  Program plugin({"node-device-plugin", "--plugin", entry, "--host-root", host_.path(),
                  "--kubelet-dir", longer},
                 dir_.path() / "plugin.log");
  // The kubelet's own socket is out of reach under that name, so it counts as down: nothing
  // crashes, and the program still ends in good order.
  ASSERT_TRUE(WaitFor([&] {
    return plugin.Output().find("characters, the system allows") != std::string::npos;
  })) << plugin.Output();
  plugin.Signal(SIGTERM);
  EXPECT_EQ(plugin.Wait(), 0) << plugin.Output();
}

TEST_F(NodeTest, APluginEndsInGoodOrderWhileAHungKubeletOwesItAnAnswer) {
  Plug("dev/a");
  const UnixListener hung(dir_.Under("k/device-plugins/kubelet.sock"));
  for (int round = 0; round < 10; ++round) {
    Program plugin(
        {"node-device-plugin", "--plugin",
         R"({"name":"a","resourceName":"example.com/a","paths":{"groups":[{"paths":[{"path":"/dev/a"}]}]}})",
         "--host-root", host_.path(), "--kubelet-dir", dir_.path() / "k"},
        dir_.path() / ("plugin" + std::to_string(round)));
    ASSERT_TRUE(WaitFor([&] { return plugin.Output().find("registering") != std::string::npos; }));
    plugin.Signal(SIGTERM);
    EXPECT_EQ(plugin.Wait(), 0) << plugin.Output();
  }
}

TEST_F(NodeTest, TwoPluginsOfOneProcess) {
  Plug("dev/a");
  Plug("dev/b");
  StartDeviceManager();
  const auto entry = [](const std::string& name) {
    return R"({"name":")" + name + R"(","resourceName":"example.com/)" + name +
           R"(","paths":{"groups":[{"paths":[{"path":"/dev/)" + name + R"("}]}]}})";
  };
  Program plugin({"node-device-plugin", "--plugin", entry("a"), "--plugin", entry("b"),
                  "--host-root", host_.path(), "--kubelet-dir", dir_.path() / "k"},
                 dir_.path() / "plugin.log");
  EXPECT_TRUE(WaitForCounts("example.com/a", 1, 1)) << plugin.Output();
  EXPECT_TRUE(WaitForCounts("example.com/b", 1, 1)) << plugin.Output();
  // By hand, too, it can be told to give its devices up.
  plugin.Signal(SIGUSR1);
  EXPECT_EQ(plugin.Wait(), 0);
  EXPECT_EQ(At("example.com/a").capacity, 0);
  // No socket of ours stays behind.
  for (const auto& file : std::filesystem::directory_iterator(dir_.path() / "k/device-plugins")) {
    EXPECT_FALSE(file.path().filename().string().starts_with("nd-")) << file.path();
  }
}

TEST_F(NodeTest, SocketsOfAKilledPluginAreRemovedByTheNext) {
  Plug("dev/a");
  StartDeviceManager();
  const std::vector<std::string> command = {
      "node-device-plugin",
      "--plugin",
      R"({"name":"a","resourceName":"example.com/a","paths":{"groups":[{"paths":[{"path":"/dev/a"}]}]}})",
      "--host-root",
      host_.path(),
      "--kubelet-dir",
      dir_.path() / "k"};
  {
    Program killed(command, dir_.path() / "plugin.log");
    EXPECT_TRUE(WaitForCounts("example.com/a", 1, 1)) << killed.Output();
  }
  EXPECT_TRUE(WaitForCounts("example.com/a", 1, 0));
  Program next(command, dir_.path() / "plugin.log");
  EXPECT_TRUE(WaitForCounts("example.com/a", 1, 1)) << next.Output();
  int ours = 0;
  for (const auto& file : std::filesystem::directory_iterator(dir_.path() / "k/device-plugins")) {
    ours += file.path().filename().string().starts_with("nd-") ? 1 : 0;
  }
  EXPECT_EQ(ours, 1);
}

TEST_F(NodeTest, CheckListsEveryMistakeWithItsPath) {
  ConfigureText(R"(apiVersion: nodedevices.io/v1alpha1
kind: DevicePluginConfig
metadata: {name: test}
spec:
  startupTaint: "yes"
  colour: red
  plugins:
  - {name: a, resourceName: example.com/a, paths: {groups: [{paths: [{path: /home/me/x}]}]}}
  - {name: a, resourceName: example.com/b, paths: {groups: [{paths: [{path: /dev/x}]}]}}
  - {name: c, resourceName: kubernetes.io/c, paths: {groups: [{paths: [{path: /dev/x}]}]}}
)");
  const ProgramResult checked =
      RunProgram({"node-device-agent", "--check", "--config", dir_.path() / "config.yaml"},
                 dir_.path() / "check.out");
  EXPECT_EQ(checked.code, 1);
  for (const char* path :
       {"spec.startupTaint: ", "spec.colour: ", "spec.plugins[0].paths.groups[0].paths[0].path: ",
        "spec.plugins[1].name: ", "spec.plugins[2].resourceName: "}) {
    EXPECT_THAT(checked.output, HasSubstr(path));
  }
  EXPECT_EQ(std::count(checked.output.begin(), checked.output.end(), '\n'), 5) << checked.output;
}

TEST_F(NodeTest, APluginRefusesBadArgumentsClearly) {
  const auto run = [this](const std::string& entry) {
    return RunProgram({"node-device-plugin", "--plugin", entry}, dir_.path() / "out");
  };
  EXPECT_THAT(run("{oops").output, HasSubstr("--plugin: not JSON"));
  const ProgramResult bad = run(R"({"name":"a","resourceName":"a","paths":{"groups":[]}})");
  EXPECT_EQ(bad.code, 1);
  EXPECT_THAT(bad.output, HasSubstr("resourceName"));
  EXPECT_THAT(bad.output, HasSubstr("paths.groups"));
  EXPECT_EQ(run(R"({"name":"a","resourceName":"e.com/a","exec":{"command":["/x"]}})").code, 1);
}

}  // namespace
}  // namespace nodedevice::testing
