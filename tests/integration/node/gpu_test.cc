// GPUs on a fake node: the real plugin at our Device Manager, and a driver's library that is
// played.

#include <csignal>

#include "tests/integration/node/node_fixture.h"
#include "tests/support/fake_driver.h"

namespace nodedevice::testing {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

constexpr char kCdiFile[] = "var/run/cdi/nodedevices.io_nvidia.com_gpu.json";

class GpuTest : public NodeTest {
 protected:
  void Start(const json& nvidia, const json& more = json::object()) {
    json entry = {{"name", "gpu"}, {"resourceName", "nvidia.com/gpu"}, {"nvidia", nvidia}};
    entry.update(more);
    StartDeviceManager();
    plugin_ = std::make_unique<Program>(
        std::vector<std::string>{"node-device-plugin", "--plugin", entry.dump(), "--host-root",
                                 host_.path(), "--kubelet-dir", dir_.path() / "k"},
        dir_.path() / "plugin.log");
  }
  bool PluginSays(const std::string& text) const {
    return WaitFor([&] { return plugin_->Output().find(text) != std::string::npos; });
  }
  int StopPlugin() const {
    plugin_->Signal(SIGTERM);
    return plugin_->Wait();
  }

  const FakeDriver driver_{host_};
  std::unique_ptr<Program> plugin_;
};

TEST_F(GpuTest, ALateDriverIsFoundSharesAreAdmittedAndAnErrorTakesThemAll) {
  Start(json::object(), {{"sharing", {{"replicas", 4}}}});
  ASSERT_TRUE(WaitForCounts("nvidia.com/gpu", 0, 0)) << plugin_->Output();
  EXPECT_TRUE(PluginSays("libnvidia-ml.so.1 is in none of /usr/lib64, ")) << plugin_->Output();
  const json gpus = json::array({FakeDriver::Gpu(0), FakeDriver::Gpu(1)});
  driver_.Play({{"gpus", gpus}});
  driver_.Install();
  ASSERT_TRUE(WaitForCounts("nvidia.com/gpu", 8, 8)) << plugin_->Output();
  const ProgramResult admitted =
      DeviceManagerSays("admit", {PodFile("one", {{"nvidia.com/gpu", 1}})});
  EXPECT_EQ(admitted.code, 0) << admitted.output;
  EXPECT_THAT(admitted.output, HasSubstr(R"("NVIDIA_VISIBLE_DEVICES": "GPU-0")"));
  driver_.Play({{"gpus", gpus}, {"events", json::array({{{"uuid", "GPU-0"}, {"xid", 79}}})}});
  EXPECT_TRUE(WaitForCounts("nvidia.com/gpu", 8, 4)) << plugin_->Output();
  EXPECT_TRUE(PluginSays("device GPU-0 is unhealthy: the driver has told of XID 79"));
  EXPECT_EQ(StopPlugin(), 0);
}

TEST_F(GpuTest, ProfilesOfMigDevicesAreRegisteredWhenTheyAppear) {
  driver_.Install();
  driver_.Play({{"gpus", json::array({FakeDriver::Gpu(0)})}});
  host_.Write("proc/driver/nvidia-caps/mig-minors",
              "gpu0/gi1/access 12\ngpu0/gi1/ci0/access 13\n"
              "gpu0/gi2/access 21\ngpu0/gi2/ci0/access 22\n");
  Start({{"migStrategy", "mixed"}, {"deviceListStrategy", json::array({"cdi-cri"})}},
        {{"health", {{"interval", "1s"}}}});
  ASSERT_TRUE(WaitForCounts("nvidia.com/gpu", 1, 1)) << plugin_->Output();
  const json migs =
      json::array({FakeDriver::Mig(0, 1, "3g.20gb"), FakeDriver::Mig(0, 2, "3g.20gb")});
  driver_.Play({{"gpus", json::array({FakeDriver::Gpu(0, {{"mig", migs}})})}});
  ASSERT_TRUE(WaitForCounts("nvidia.com/mig-3g.20gb", 2, 2)) << plugin_->Output();
  EXPECT_TRUE(WaitForCounts("nvidia.com/gpu", 1, 0)) << plugin_->Output();
  const ProgramResult admitted =
      DeviceManagerSays("admit", {PodFile("one", {{"nvidia.com/mig-3g.20gb", 1}})});
  EXPECT_EQ(admitted.code, 0) << admitted.output;
  EXPECT_THAT(admitted.output, HasSubstr("k8s.device-plugin.nvidia.com/gpu=MIG-0-1"));
  EXPECT_TRUE(std::filesystem::exists(host_.path() / kCdiFile));
  EXPECT_EQ(StopPlugin(), 0);
  EXPECT_FALSE(std::filesystem::exists(host_.path() / kCdiFile));
}

TEST_F(GpuTest, AnEditOfNvidiasOwnConfigurationIsTakenOverAsItStands) {
  driver_.Install();
  driver_.Play({{"gpus", json::array({FakeDriver::Gpu(0)})}});
  host_.Write("etc/nvidia/config.yaml",
              "version: v1\n"
              "flags: {plugin: {deviceListStrategy: cdi-annotations, cdiAnnotationPrefix: a/}}\n"
              "sharing: {timeSlicing: {failRequestsGreaterThanOne: true,\n"
              "  resources: [{name: nvidia.com/gpu, replicas: 4}]}}\n");
  Start({{"configFile", "/etc/nvidia/config.yaml"}}, {{"health", {{"interval", "1s"}}}});
  ASSERT_TRUE(WaitForCounts("nvidia.com/gpu", 4, 4)) << plugin_->Output();
  const ProgramResult refused =
      DeviceManagerSays("admit", {PodFile("two", {{"nvidia.com/gpu", 2}})});
  EXPECT_NE(refused.code, 0);
  EXPECT_THAT(refused.output, HasSubstr("is shared and a container may request one of it, not 2"));
  const ProgramResult admitted =
      DeviceManagerSays("admit", {PodFile("one", {{"nvidia.com/gpu", 1}})});
  EXPECT_EQ(admitted.code, 0) << admitted.output;
  EXPECT_THAT(admitted.output, HasSubstr("a/nvidia-device-plugin_"));
  EXPECT_THAT(admitted.output, HasSubstr("k8s.device-plugin.nvidia.com/gpu=GPU-0"));
  host_.Write("etc/nvidia/config.yaml", "version: v2\n");
  EXPECT_TRUE(
      PluginSays("/etc/nvidia/config.yaml is not in force, what it said last is: version: "
                 "must be v1, is 'v2'"))
      << plugin_->Output();
  EXPECT_TRUE(WaitForCounts("nvidia.com/gpu", 4, 4)) << plugin_->Output();
  host_.Write("etc/nvidia/config.yaml",
              "sharing: {timeSlicing: {resources: [{name: gpu, replicas: 2}]}}\n");
  EXPECT_TRUE(WaitForCounts("nvidia.com/gpu", 2, 2)) << plugin_->Output();
  const ProgramResult next = DeviceManagerSays("admit", {PodFile("new", {{"nvidia.com/gpu", 1}})});
  EXPECT_EQ(next.code, 0) << next.output;
  EXPECT_THAT(next.output, HasSubstr(R"("NVIDIA_VISIBLE_DEVICES": "GPU-0")"));
  EXPECT_EQ(StopPlugin(), 0);
}

TEST_F(GpuTest, ADriverThatBlocksDoesNotKeepThePluginFromRegistering) {
  driver_.Install();
  driver_.Play({{"gpus", json::array({FakeDriver::Gpu(0)})}});
  Start(json::object());
  ASSERT_TRUE(WaitForCounts("nvidia.com/gpu", 1, 1)) << plugin_->Output();
  driver_.Play({{"gpus", json::array({FakeDriver::Gpu(0)})},
                {"blocked", json::array({"nvmlDeviceGetCount_v2"})}});
  Plug("dev/nvidia0");  // a reason to ask the driver
  EXPECT_TRUE(PluginSays("the NVIDIA driver does not answer")) << plugin_->Output();
  ASSERT_EQ(DeviceManagerSays("restart").code, 0);
  EXPECT_TRUE(WaitForCounts("nvidia.com/gpu", 1, 1)) << plugin_->Output();
  EXPECT_EQ(StopPlugin(), 0);
}

TEST_F(GpuTest, FiguresReachTheAgentsMetricsWithTheirPodsAndVanishWhenTheyGetOld) {
  const auto play = [this](std::uint64_t used) {
    driver_.Play({{"gpus",
                   {FakeDriver::Gpu(0, {{"used", used}, {"utilization", 25}}),
                    FakeDriver::Gpu(1, {{"used", 7}})}}});
  };
  driver_.Install();
  play(1000);
  const json entry = {{"name", "gpu"},
                      {"resourceName", "nvidia.com/gpu"},
                      {"nvidia", {{"metrics", {{"intervalSeconds", 1}}}}},
                      {"sharing", {{"replicas", 2}}}};
  Configure({entry.dump()});
  StartDeviceManager();
  StartAgent();
  ASSERT_TRUE(WaitForCounts("nvidia.com/gpu", 4, 4)) << agent().Output();
  ASSERT_EQ(DeviceManagerSays("admit", {PodFile("one", {{"nvidia.com/gpu", 1}})}).code, 0);
  ASSERT_EQ(DeviceManagerSays("admit", {PodFile("two", {{"nvidia.com/gpu", 3}})}).code, 0);
  const auto of = [](const std::string& gpu) {
    return R"({resource="nvidia.com/gpu",device=")" + gpu + '"';
  };
  const auto by = [](const std::string& pod) {
    return R"(,namespace="default",pod=")" + pod + R"(",container="main"})";
  };
  // Pod two has three of four shares, so both GPUs.
  EXPECT_TRUE(WaitForMetric("pod_gpu_memory_used_bytes" + of("GPU-0") + by("two"), 1000));
  EXPECT_TRUE(WaitForMetric("pod_gpu_memory_used_bytes" + of("GPU-1") + by("two"), 7));
  EXPECT_EQ(Metric("gpu_duty_cycle_ratio" + of("GPU-0") + "}"), 0.25);
  const std::string file = dir_.Write("metrics.txt", Get("/metrics").body);
  EXPECT_EQ(std::system(("promtool check metrics < " + file).c_str()), 0);
  play(2000);
  EXPECT_TRUE(WaitForMetric("gpu_memory_used_bytes" + of("GPU-0") + "}", 2000));
  ASSERT_EQ(DeviceManagerSays("delete", {"two"}).code, 0);
  EXPECT_TRUE(WaitForMetric("pod_gpu_memory_used_bytes" + of("GPU-1") + by("two"), -1));
  const std::vector<pid_t> plugins = Plugins();
  ASSERT_THAT(plugins, ::testing::SizeIs(1));
  ::kill(plugins[0], SIGSTOP);
  EXPECT_TRUE(WaitForMetric("gpu_memory_used_bytes" + of("GPU-0") + "}", -1));
  ::kill(plugins[0], SIGCONT);
  EXPECT_TRUE(WaitForMetric("gpu_memory_used_bytes" + of("GPU-0") + "}", 2000));
  EXPECT_THAT(agent().Output(), ::testing::Not(HasSubstr("starts again")));
}

}  // namespace
}  // namespace nodedevice::testing
