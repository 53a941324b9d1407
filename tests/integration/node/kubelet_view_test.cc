// What the kubelet says of our resources reaches the agent's metrics and page, and foreign plugins
// are watched through it.

#include <signal.h>

#include <filesystem>

#include "tests/integration/node/node_fixture.h"
#include "tests/support/unix_listener.h"

namespace nodedevice::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

constexpr char kAccepted[] = R"(devices_accepted{resource="example.com/tty"})";
constexpr char kAllocated[] = R"(devices_allocated{resource="example.com/tty"})";

class KubeletViewTest : public NodeTest {
 protected:
  void Start(const std::vector<std::string>& entries) {
    Configure(entries);
    StartDeviceManager();
    StartAgent();
    ASSERT_TRUE(WaitUntilReady()) << agent().Output();
  }
  void StartTty() {
    Plug("dev/tty0");
    Plug("dev/tty1");
    Start({PathsEntry("tty", "/dev/tty*")});
    ASSERT_TRUE(WaitForMetric(kAccepted, 2)) << agent().Output();
  }
  bool PageSays(const std::string& text) const {
    return WaitFor([&] { return Get("/").body.find(text) != std::string::npos; });
  }
};

TEST_F(KubeletViewTest, AcceptedAndAllocatedDevicesAndTheirHolders) {
  StartTty();
  EXPECT_EQ(Metric(kAllocated), 0);
  EXPECT_THAT(Get("/metrics").body, Not(HasSubstr("nodedevice_pod_devices")));
  ASSERT_EQ(DeviceManagerSays("admit", {PodFile("one", {{"example.com/tty", 1}})}).code, 0);
  EXPECT_TRUE(WaitForMetric(kAllocated, 1)) << agent().Output();
  EXPECT_EQ(
      Metric(
          R"(pod_devices{resource="example.com/tty",namespace="default",pod="one",container="main"})"),
      1);
  EXPECT_THAT(Get("/").body, AllOf(HasSubstr("2 accepted by the kubelet, 1 allocated"),
                                   HasSubstr(">default/one</td>")));
  const std::string file = dir_.Write("metrics.txt", Get("/metrics").body);
  EXPECT_EQ(std::system(("promtool check metrics < " + file).c_str()), 0);
  ASSERT_EQ(DeviceManagerSays("delete", {"one"}).code, 0);
  EXPECT_TRUE(WaitForMetric(kAllocated, 0)) << agent().Output();
  EXPECT_THAT(Get("/metrics").body, Not(HasSubstr("nodedevice_pod_devices")));
  // An unhealthy device is not accepted any more.
  Unplug("dev/tty1");
  EXPECT_TRUE(WaitForMetric(kAccepted, 1)) << agent().Output();
}

TEST_F(KubeletViewTest, ResourcesOfOthersAreNotOurAffair) {
  StartTty();
  Program other(
      {"fake-device-plugin", (dir_.path() / "k/device-plugins").string(), "example.com/other"},
      dir_.path() / "other.log");
  ASSERT_TRUE(WaitForCounts("example.com/other", 2, 2)) << other.Output();
  ASSERT_EQ(DeviceManagerSays("admit",
                              {PodFile("both", {{"example.com/tty", 1}, {"example.com/other", 2}})})
                .code,
            0);
  EXPECT_TRUE(WaitForMetric(kAllocated, 1));
  EXPECT_THAT(Get("/metrics").body, Not(HasSubstr("example.com/other")));
  EXPECT_THAT(Get("/").body, Not(HasSubstr("example.com/other")));
}

TEST_F(KubeletViewTest, NothingIsClaimedWhileTheKubeletIsDown) {
  StartTty();
  ASSERT_EQ(DeviceManagerSays("admit", {PodFile("one", {{"example.com/tty", 1}})}).code, 0);
  ASSERT_TRUE(WaitForMetric(kAllocated, 1));
  EndDeviceManager(SIGKILL);
  EXPECT_TRUE(WaitForMetric(kAllocated, -1)) << agent().Output();
  EXPECT_EQ(Metric(kAccepted), -1);
  EXPECT_TRUE(PageSays("The kubelet does not say which pods hold devices"));
  StartDeviceManager();
  EXPECT_TRUE(WaitForMetric(kAccepted, 2)) << agent().Output();
  // This one knows no pod of the last one's life: who held devices then holds none now.
  EXPECT_TRUE(WaitForMetric(kAllocated, 0)) << agent().Output();
  ASSERT_EQ(DeviceManagerSays("admit", {PodFile("two", {{"example.com/tty", 1}})}).code, 0);
  EXPECT_TRUE(WaitForMetric(kAllocated, 1)) << agent().Output();
}

TEST_F(KubeletViewTest, AKubeletThatIsRestartedIsAskedAgain) {
  StartTty();
  for (int round = 1; round <= 3; ++round) {
    ASSERT_EQ(DeviceManagerSays("restart").code, 0);
    ASSERT_TRUE(WaitForMetric("device_manager_restarts_total", round)) << agent().Output();
    EXPECT_TRUE(WaitForMetric(kAccepted, 2)) << agent().Output();
    const std::string pod = "pod" + std::to_string(round);
    ASSERT_TRUE(WaitForCounts("example.com/tty", 2, 2));
    ASSERT_EQ(DeviceManagerSays("admit", {PodFile(pod, {{"example.com/tty", 1}})}).code, 0);
    EXPECT_TRUE(WaitForMetric(kAllocated, 1)) << agent().Output();
    ASSERT_EQ(DeviceManagerSays("delete", {pod}).code, 0);
  }
  EXPECT_THAT(Observers(), SizeIs(1));
}

TEST_F(KubeletViewTest, TheObserverComesBackWhenItIsKilledAndNoPluginNotices) {
  StartTty();
  const std::vector<pid_t> plugins = Plugins();
  const std::vector<pid_t> observers = Observers();
  ASSERT_THAT(observers, SizeIs(1));
  ASSERT_EQ(::kill(observers[0], SIGKILL), 0);
  EXPECT_TRUE(WaitFor([&] {
    const std::vector<pid_t> now = Observers();
    return now.size() == 1 && now != observers;
  })) << agent().Output();
  EXPECT_TRUE(WaitForMetric(kAccepted, 2)) << agent().Output();
  EXPECT_THAT(agent().Output(), HasSubstr("the process that asks the kubelet killed by signal 9"));
  EXPECT_EQ(Plugins(), plugins);
}

TEST_F(KubeletViewTest, TheObserverEndsWithTheAgentHoweverThatEnds) {
  StartTty();
  const pid_t killed = Observers().at(0);
  EndAgent(SIGKILL);
  EXPECT_TRUE(WaitFor([&] { return HasEnded(killed); }));
  StartAgent();
  ASSERT_TRUE(WaitForMetric(kAccepted, 2)) << agent().Output() << Get("/metrics").body;
  agent().Signal(SIGTERM);
  EXPECT_EQ(agent().Wait(), 0);
  EXPECT_THAT(Observers(), IsEmpty());
}

TEST_F(KubeletViewTest, WithoutPluginsNobodyAsks) {
  Start({});
  EXPECT_THAT(Observers(), IsEmpty());
  Plug("dev/tty0");
  Configure({PathsEntry("tty", "/dev/tty*")});
  EXPECT_TRUE(WaitForMetric(kAccepted, 1)) << agent().Output();
  Configure({});
  EXPECT_TRUE(WaitFor([this] { return Observers().empty(); })) << agent().Output();
}

TEST_F(KubeletViewTest, AnObserverThatWasStartedByHandPrintsWhatItSees) {
  StartTty();
  Program observer({"node-device-plugin", "--observe", "--kubelet-dir", dir_.path() / "k"},
                   dir_.path() / "observer.log");
  EXPECT_TRUE(WaitFor([&] {
    return observer.Output().find(R"("example.com/tty":{"accepted":2,"allocated":0,)") !=
           std::string::npos;
  })) << observer.Output();
  observer.Signal(SIGTERM);
  EXPECT_EQ(observer.Wait(), 0);
  Program without({"node-device-plugin"}, dir_.path() / "wrong.log");
  EXPECT_GE(without.Wait(), 100);
  EXPECT_THAT(without.Output(), HasSubstr("--plugin or --observe"));
}

TEST_F(KubeletViewTest, AHungKubeletDoesNotKeepTheObserverFromEnding) {
  const UnixListener hung(dir_.Under("k/pod-resources/kubelet.sock"));
  Program observer({"node-device-plugin", "--observe", "--kubelet-dir", dir_.path() / "k"},
                   dir_.path() / "observer.log");
  EXPECT_TRUE(WaitFor([&] {
    return observer.Output().find("did not answer GetAllocatableResources") != std::string::npos;
  })) << observer.Output();
  // The next question is on its way when this comes, or not yet: both must do.
  observer.Signal(SIGTERM);
  EXPECT_EQ(observer.Wait(), 0) << observer.Output();
}

// ---- foreign plugins ---------------------------------------------------------------------------

TEST_F(KubeletViewTest, AForeignPluginThatNoticesARestartKeepsItsProcess) {
  Start({ExecEntry("thing")});
  ASSERT_TRUE(WaitForMetric(R"(devices_accepted{resource="example.com/thing"})", 2))
      << agent().Output();
  EXPECT_THAT(Get("/").body, HasSubstr("<h3>example.com/thing</h3><p>2 accepted by the kubelet"));
  const std::vector<pid_t> before = ForeignPlugins();
  ASSERT_THAT(before, SizeIs(1));
  ASSERT_EQ(DeviceManagerSays("restart").code, 0);
  ASSERT_TRUE(WaitForMetric("device_manager_restarts_total", 1));
  EXPECT_TRUE(WaitForCounts("example.com/thing", 2, 2)) << agent().Output();
  EXPECT_TRUE(WaitUntilReady()) << Get("/readyz").body;
  EXPECT_TRUE(WaitForMetric(R"(plugin_up{plugin="thing"})", 1));
  EXPECT_EQ(ForeignPlugins(), before);
}

TEST_F(KubeletViewTest, AForeignPluginThatDoesNotNoticeARestartIsRestarted) {
  Start({ExecEntry("thing", ", heedless")});
  ASSERT_TRUE(WaitForCounts("example.com/thing", 2, 2)) << agent().Output();
  const std::vector<pid_t> before = ForeignPlugins();
  ASSERT_THAT(before, SizeIs(1));
  ASSERT_EQ(DeviceManagerSays("restart").code, 0);
  EXPECT_TRUE(WaitForMetric(R"(plugin_restarts_total{plugin="thing",reason="not_registered"})", 1))
      << agent().Output();
  EXPECT_TRUE(WaitForCounts("example.com/thing", 2, 2)) << agent().Output();
  EXPECT_TRUE(WaitUntilReady());
  EXPECT_NE(ForeignPlugins(), before);
  EXPECT_THAT(agent().Output(), HasSubstr("did not notice that the kubelet was restarted"));
}

TEST_F(KubeletViewTest, AForeignPluginOfAnotherNameIsPointedOut) {
  const std::string entry = ExecEntry("thing");
  Start({"{name: wrong, resourceName: example.com/wrong, exec: " +
         entry.substr(entry.find("{command"))});
  ASSERT_TRUE(WaitForCounts("example.com/thing", 2, 2)) << agent().Output();
  EXPECT_TRUE(PageSays("the kubelet does not list example.com/wrong: ")) << Get("/").body;
  EXPECT_TRUE(WaitForMetric(R"(devices_accepted{resource="example.com/wrong"})", 0));
  EXPECT_EQ(Metric(R"(plugin_up{plugin="wrong"})"), 1);
}

}  // namespace
}  // namespace nodedevice::testing
