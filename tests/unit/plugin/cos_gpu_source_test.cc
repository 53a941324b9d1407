// Family `nvidia` with layout `cos` on a fake node of Container-Optimized OS.
#include "plugin/discovery/cos_gpu.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "lib/api/gpu_partitions.h"
#include "plugin/discovery/registry.h"
#include "tests/support/fake_driver.h"
#include "tests/support/temp_dir.h"
#include "tests/support/wait_for.h"

namespace nodedevice {
namespace {

using nlohmann::json;
using ::testing::Contains;
using ::testing::ElementsAre;
using testing::FakeDriver;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Key;
using ::testing::SizeIs;

constexpr char kResource[] = "nvidia.com/gpu";
constexpr char kRoot[] = "home/kubernetes/bin/nvidia";

class CosGpuSourceTest : public ::testing::Test {
 protected:
  CosGpuSourceTest() { nvidia_.layout = Nvidia::Layout::kCos; }

  void PlugDriver() {
    node_.MakeNode("dev/nvidiactl");
    node_.MakeNode("dev/nvidia-uvm");
  }
  void PlugGpu(int minor, const std::string& pci = "") {
    node_.MakeNode(absl::StrCat("dev/nvidia", minor));
    if (pci.empty()) return;
    node_.Write(absl::StrCat("proc/driver/nvidia/gpus/", pci, "/information"),
                absl::StrCat("Model: \t\t NVIDIA A100\nDevice Minor: \t ", minor, "\n"));
  }
  // A partition whose capabilities have these minor numbers.
  void Cut(int gpu, int instance, int gi_minor, int ci_minor) {
    const std::string folder =
        absl::StrCat("proc/driver/nvidia/capabilities/gpu", gpu, "/mig/gi", instance);
    const auto text = [](int minor) {
      return absl::StrCat("DeviceFileMinor: ", minor, "\nDeviceFileMode: 292\n");
    };
    node_.Write(folder + "/access", text(gi_minor));
    node_.Write(folder + "/ci0/access", text(ci_minor));
    for (const int minor : {gi_minor, ci_minor}) {
      node_.MakeNode(absl::StrCat("dev/nvidia-caps/nvidia-cap", minor));
    }
  }
  CosGpuSource& Source() {
    if (!source_) {
      source_.emplace(kResource, nvidia_, true, HostRoot(node_.path()),
                      GpuDriver::Timing{.patience = std::chrono::seconds(60),
                                        .event_wait = std::chrono::milliseconds(20)});
    }
    return *source_;
  }
  Inventory Scan() {
    auto inventory = Source().Scan();
    EXPECT_TRUE(inventory.ok()) << inventory.status();
    return inventory.value_or(Inventory());
  }
  DeviceSet Devices() { return Scan().resources.at(kResource); }

  testing::TempDir node_;
  Nvidia nvidia_;
  std::optional<CosGpuSource> source_;
};

TEST_F(CosGpuSourceTest, NothingIsAnnouncedBeforeTheDriverIsLoaded) {
  PlugGpu(0);
  const Inventory inventory = Scan();
  EXPECT_THAT(inventory.resources.at(kResource), IsEmpty());
  EXPECT_THAT(inventory.notes,
              ElementsAre("/dev/nvidiactl does not exist: the driver is not loaded",
                          "/dev/nvidia-uvm does not exist: the driver is not loaded"));
  EXPECT_THAT(inventory.directories, Contains(node_.path() / "dev"));
  PlugDriver();
  EXPECT_THAT(Devices(), ElementsAre(Key("nvidia0")));
}

TEST_F(CosGpuSourceTest, AGpuIsItsNodeTheDriversNodesAndItsFolder) {
  PlugDriver();
  node_.MakeNode("dev/nvidia-modeset");
  PlugGpu(0, "0000:3b:00.0");
  PlugGpu(12);
  node_.Write("dev/nvidia7x", "");
  std::filesystem::create_directories(node_.Under(absl::StrCat(kRoot, "/vulkan/icd.d")));
  node_.Write("sys/devices/pci0000:3a/0000:3b:00.0/numa_node", "1\n");
  std::filesystem::create_symlink("../../../devices/pci0000:3a/0000:3b:00.0",
                                  node_.Under("sys/bus/pci/devices/0000:3b:00.0"));
  const DeviceSet set = Devices();
  ASSERT_THAT(set, ElementsAre(Key("nvidia0"), Key("nvidia12")));
  const Device& device = set.at("nvidia0");
  EXPECT_TRUE(device.healthy()) << device.problem;
  EXPECT_THAT(device.numa_nodes, ElementsAre(1));
  EXPECT_THAT(device.nodes, ElementsAre(DeviceNode{"/dev/nvidia0", "", "mrw"},
                                        DeviceNode{"/dev/nvidiactl", "", "mrw"},
                                        DeviceNode{"/dev/nvidia-uvm", "", "mrw"},
                                        DeviceNode{"/dev/nvidia-modeset", "", "mrw"}));
  EXPECT_THAT(device.mounts,
              ElementsAre(DeviceMount{"/home/kubernetes/bin/nvidia", "/usr/local/nvidia", true},
                          DeviceMount{"/home/kubernetes/bin/nvidia/vulkan/icd.d",
                                      "/etc/vulkan/icd.d", true}));
  EXPECT_THAT(device.env_items, IsEmpty());
  EXPECT_THAT(device.cdi, IsEmpty());
}

TEST_F(CosGpuSourceTest, WithoutVulkanThereIsNoMountOfIt) {
  PlugDriver();
  PlugGpu(0);
  nvidia_.driver_root = "/opt/nvidia";
  EXPECT_THAT(Devices().at("nvidia0").mounts,
              ElementsAre(DeviceMount{"/opt/nvidia", "/usr/local/nvidia", true}));
}

TEST_F(CosGpuSourceTest, PartitionsAreDevicesWithThreeNodes) {
  PlugDriver();
  PlugGpu(0);
  Cut(0, 1, 12, 13);
  Cut(0, 2, 21, 22);
  nvidia_.partition_size = "3g.20gb";
  const DeviceSet set = Devices();
  ASSERT_THAT(set, ElementsAre(Key("nvidia0/gi1"), Key("nvidia0/gi2")));
  EXPECT_TRUE(set.at("nvidia0/gi1").healthy()) << set.at("nvidia0/gi1").problem;
  EXPECT_THAT(set.at("nvidia0/gi2").nodes,
              ElementsAre(DeviceNode{"/dev/nvidia0", "", "mrw"},
                          DeviceNode{"/dev/nvidia-caps/nvidia-cap21", "", "mrw"},
                          DeviceNode{"/dev/nvidia-caps/nvidia-cap22", "", "mrw"},
                          DeviceNode{"/dev/nvidiactl", "", "mrw"},
                          DeviceNode{"/dev/nvidia-uvm", "", "mrw"}));
}

TEST_F(CosGpuSourceTest, WithoutAPartitionSizeAGpuStaysOne) {
  PlugDriver();
  PlugGpu(0);
  Cut(0, 1, 12, 13);
  EXPECT_THAT(Devices(), ElementsAre(Key("nvidia0")));
}

TEST_F(CosGpuSourceTest, AllGpusMustBeCutAsTheSizeSays) {
  PlugDriver();
  PlugGpu(0);
  PlugGpu(1);
  Cut(0, 1, 12, 13);
  Cut(0, 2, 21, 22);
  nvidia_.partition_size = "3g.20gb";
  const DeviceSet set = Devices();
  ASSERT_THAT(set, ElementsAre(Key("nvidia0/gi1"), Key("nvidia0/gi2"), Key("nvidia1")));
  for (const auto& [id, device] : set) {
    EXPECT_EQ(
        device.problem,
        "partitionSize 3g.20gb wants 2 partitions of each GPU of the node; /dev/nvidia1 has 0")
        << id;
  }
  Cut(1, 1, 32, 33);
  Cut(1, 2, 41, 42);
  for (const auto& [id, device] : Devices()) EXPECT_TRUE(device.healthy()) << id;
}

TEST_F(CosGpuSourceTest, APartitionOfWhichSomethingIsMissingHarmsNoOther) {
  PlugDriver();
  PlugGpu(0);
  Cut(0, 1, 12, 13);
  Cut(0, 2, 21, 22);
  node_.Write("proc/driver/nvidia/capabilities/gpu0/mig/gi1/ci0/access", "nonsense\n\xff");
  node_.Remove("dev/nvidia-caps/nvidia-cap22");
  nvidia_.partition_size = "3g.20gb";
  DeviceSet set = Devices();
  EXPECT_EQ(set.at("nvidia0/gi1").problem,
            "/proc/driver/nvidia/capabilities/gpu0/mig/gi1/ci0/access does not say which device "
            "node opens it");
  EXPECT_EQ(set.at("nvidia0/gi2").problem,
            "/dev/nvidia-caps/nvidia-cap22: No such file or directory");
  node_.MakeNode("dev/nvidia-caps/nvidia-cap22");
  set = Devices();
  EXPECT_FALSE(set.at("nvidia0/gi1").healthy());
  EXPECT_TRUE(set.at("nvidia0/gi2").healthy());
}

TEST_F(CosGpuSourceTest, EverySizeHasItsNumber) {
  for (const auto& [size, count] : kGpuPartitions) EXPECT_EQ(PartitionsOfSize(size), count);
  EXPECT_EQ(PartitionsOfSize("1g.24gb+me.all"), 1);
  EXPECT_EQ(PartitionsOfSize("1g.5g"), std::nullopt);
}

TEST_F(CosGpuSourceTest, MemoryErrorsMakeAGpuUnhealthyOthersDoWhenTheyAreListed) {
  PlugDriver();
  PlugGpu(0);
  PlugGpu(1);
  const FakeDriver driver(node_, absl::StrCat(kRoot, "/lib64"));
  driver.Install();
  const json gpus = json::array({FakeDriver::Gpu(0), FakeDriver::Gpu(1)});
  driver.Play({{"gpus", gpus}});
  nvidia_.xids.critical = {61};
  EXPECT_THAT(Scan().notes, IsEmpty());
  const auto event = [](int gpu, int xid) {
    return json{{"uuid", absl::StrCat("GPU-", gpu)}, {"xid", xid}};
  };
  driver.Play({{"gpus", gpus}, {"events", json::array({event(1, 79), event(0, 48)})}});
  EXPECT_TRUE(testing::WaitFor([this] { return !Devices().at("nvidia0").healthy(); }));
  EXPECT_TRUE(Devices().at("nvidia1").healthy());
  driver.Play(
      {{"gpus", gpus}, {"events", json::array({event(1, 79), event(0, 48), event(1, 61)})}});
  EXPECT_TRUE(testing::WaitFor([this] { return !Devices().at("nvidia1").healthy(); }));
}

TEST_F(CosGpuSourceTest, WithoutTheDriversLibraryErrorsAreNotHeardOf) {
  PlugDriver();
  PlugGpu(0);
  const Inventory inventory = Scan();
  EXPECT_TRUE(inventory.resources.at(kResource).at("nvidia0").healthy());
  EXPECT_THAT(inventory.notes, ElementsAre(HasSubstr("errors of GPUs are not heard of: ")));
}

TEST_F(CosGpuSourceTest, TheRegistryKnowsTheLayout) {
  PlugDriver();
  PlugGpu(3);
  PluginSpec spec;
  spec.resource_name = kResource;
  spec.discovery = nvidia_;
  const auto source = MakeSource(spec, HostRoot(node_.path()));
  ASSERT_TRUE(source.ok()) << source.status();
  EXPECT_THAT((*source)->Scan()->resources.at(kResource), ElementsAre(Key("nvidia3")));
}

}  // namespace
}  // namespace nodedevice
