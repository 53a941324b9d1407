// GPUs as devices: what contracts of NVIDIA's own plugin say, from values.
#include "plugin/nvidia/gpu_devices.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugin/allocation.h"
#include "plugin/nvidia/gpu_cdi.h"

namespace nodedevice {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Key;
using ::testing::Pair;
using Strategy = Nvidia::ListStrategy;

constexpr char kResource[] = "nvidia.com/gpu";

Gpu MakeGpu(int index) {
  Gpu gpu;
  gpu.uuid = "GPU-" + std::to_string(index);
  gpu.index = index;
  gpu.minor = static_cast<unsigned>(index + 4);
  gpu.pci_bus_id = "0000:0" + std::to_string(index) + ":00.0";
  return gpu;
}

Gpu WithMig(Gpu gpu, const std::vector<std::string>& profiles) {
  gpu.mig = true;
  for (const std::string& profile : profiles) {
    const int n = static_cast<int>(gpu.mig_devices.size());
    MigDevice mig;
    mig.uuid = "MIG-" + std::to_string(gpu.index) + "-" + std::to_string(n);
    mig.index = n;
    mig.gpu_instance = static_cast<unsigned>(n + 1);
    mig.profile = profile;
    gpu.mig_devices.push_back(mig);
  }
  return gpu;
}

class GpuDevicesTest : public ::testing::Test {
 protected:
  GpuDevices Make(std::vector<Gpu> gpus) const {
    Gpus all;
    all.gpus = std::move(gpus);
    return MakeGpuDevices(resource_, nvidia_, all, files_,
                          [](const Gpu&, const MigDevice*) { return std::string(); });
  }

  std::string resource_ = kResource;
  Nvidia nvidia_;
  GpuFiles files_;
};

TEST_F(GpuDevicesTest, AGpuIsCalledByItsUuidAndKnowsItsNumaNode) {
  files_.numa_nodes = {{"0000:00:00.0", {1}}};
  const GpuDevices made = Make({MakeGpu(0), MakeGpu(1)});
  ASSERT_THAT(made.resources, ElementsAre(Key(kResource)));
  const DeviceSet& set = made.resources.at(kResource);
  EXPECT_THAT(set, ElementsAre(Key("GPU-0"), Key("GPU-1")));
  EXPECT_THAT(set.at("GPU-0").numa_nodes, ElementsAre(1));
  EXPECT_THAT(set.at("GPU-1").numa_nodes, IsEmpty());
  EXPECT_THAT(set.at("GPU-0").env_items, ElementsAre(EnvItem{"NVIDIA_VISIBLE_DEVICES", "GPU-0"}));
  EXPECT_THAT(set.at("GPU-0").nodes, IsEmpty());
  EXPECT_TRUE(set.at("GPU-0").healthy());
  EXPECT_THAT(made.notes, IsEmpty());
}

TEST_F(GpuDevicesTest, WithoutGpusTheResourceIsThereAndEmpty) {
  EXPECT_THAT(Make({}).resources, ElementsAre(Pair(kResource, IsEmpty())));
}

TEST_F(GpuDevicesTest, AGpuThatTheDriverCannotDescribeIsUnhealthy) {
  Gpu gpu = MakeGpu(0);
  gpu.problem = "nvmlDeviceGetMinorNumber: GPU is lost (15)";
  gpu.minor.reset();
  nvidia_.pass_device_specs = true;
  const DeviceSet set = Make({gpu, MakeGpu(1)}).resources.at(kResource);
  EXPECT_EQ(set.at("GPU-0").problem, "nvmlDeviceGetMinorNumber: GPU is lost (15)");
  EXPECT_TRUE(set.at("GPU-1").healthy());
}

TEST_F(GpuDevicesTest, WithoutAMigStrategyAGpuIsAWholeWhateverItsMode) {
  const GpuDevices made = Make({WithMig(MakeGpu(0), {"1g.5gb", "1g.5gb"})});
  EXPECT_THAT(made.resources.at(kResource), ElementsAre(Key("GPU-0")));
  EXPECT_THAT(made.notes, ElementsAre(HasSubstr("GPU 0 (GPU-0) has MIG on and is announced as a "
                                                "whole")));
}

TEST_F(GpuDevicesTest, SingleAnnouncesMigDevicesInThePlaceOfGpus) {
  nvidia_.mig_strategy = Nvidia::MigStrategy::kSingle;
  const GpuDevices made =
      Make({WithMig(MakeGpu(0), {"1g.5gb", "1g.5gb"}), WithMig(MakeGpu(1), {"1g.5gb"})});
  ASSERT_THAT(made.resources, ElementsAre(Key(kResource)));
  EXPECT_THAT(made.resources.at(kResource),
              ElementsAre(Key("MIG-0-0"), Key("MIG-0-1"), Key("MIG-1-0")));
  for (const auto& [id, device] : made.resources.at(kResource)) {
    EXPECT_TRUE(device.healthy()) << id;
  }
  // Without MIG anywhere it is as if there were no strategy.
  EXPECT_THAT(Make({MakeGpu(0)}).resources.at(kResource), ElementsAre(Key("GPU-0")));
}

TEST_F(GpuDevicesTest, SingleTakesNoNodeWhoseGpusAreCutDifferently) {
  nvidia_.mig_strategy = Nvidia::MigStrategy::kSingle;
  const auto check = [&](const std::vector<Gpu>& gpus, const std::string& kinds) {
    const DeviceSet set = Make(gpus).resources.at(kResource);
    EXPECT_FALSE(set.empty());
    for (const auto& [id, device] : set) {
      EXPECT_EQ(
          device.problem,
          "migStrategy single needs the same MIG profile on all GPUs of the node, which has " +
              kinds)
          << id;
    }
  };
  check({WithMig(MakeGpu(0), {"1g.5gb"}), WithMig(MakeGpu(1), {"3g.20gb"})}, "1g.5gb, 3g.20gb");
  check({WithMig(MakeGpu(0), {"1g.5gb"}), MakeGpu(1)}, "1g.5gb, a GPU without MIG");
}

TEST_F(GpuDevicesTest, MixedAnnouncesEachProfileUnderItsName) {
  nvidia_.mig_strategy = Nvidia::MigStrategy::kMixed;
  const GpuDevices made =
      Make({MakeGpu(0), WithMig(MakeGpu(1), {"1g.10gb+me", "3g.20gb", "3g.20gb", "1c.3g.20gb"})});
  EXPECT_THAT(
      made.resources,
      ElementsAre(Pair(kResource, ElementsAre(Key("GPU-0"))),
                  Pair("nvidia.com/mig-1g.10gb.me", ElementsAre(Key("MIG-1-0"))),
                  Pair("nvidia.com/mig-3g.20gb", ElementsAre(Key("MIG-1-1"), Key("MIG-1-2")))));
  EXPECT_THAT(made.notes,
              ElementsAre("MIG device MIG-1-3 of GPU 1 is not announced: its profile 1c.3g.20gb "
                          "shares its memory with others"));
}

TEST_F(GpuDevicesTest, AGpuWithMigOnAndNothingCutIsTold) {
  nvidia_.mig_strategy = Nvidia::MigStrategy::kMixed;
  const GpuDevices made = Make({WithMig(MakeGpu(0), {})});
  EXPECT_THAT(made.resources, ElementsAre(Pair(kResource, IsEmpty())));
  EXPECT_THAT(made.notes, ElementsAre("GPU 0 (GPU-0) has MIG on and no MIG device"));
}

TEST_F(GpuDevicesTest, OneBadMigDeviceHarmsNoOther) {
  nvidia_.mig_strategy = Nvidia::MigStrategy::kMixed;
  Gpu gpu = WithMig(MakeGpu(0), {"1g.5gb", "1g.5gb", ""});
  gpu.mig_devices[0].problem = "nvmlDeviceGetGpuInstanceId: Unknown Error (999)";
  gpu.mig_devices[2].problem = "nvmlDeviceGetAttributes_v2: Unknown Error (999)";
  gpu.notes = {"MIG device 0:3: nvmlDeviceGetUUID: Unknown Error (999)"};
  const GpuDevices made = Make({gpu});
  const DeviceSet& set = made.resources.at("nvidia.com/mig-1g.5gb");
  EXPECT_EQ(set.at("MIG-0-0").problem, "nvmlDeviceGetGpuInstanceId: Unknown Error (999)");
  EXPECT_TRUE(set.at("MIG-0-1").healthy());
  EXPECT_THAT(made.notes, ElementsAre("MIG device 0:3: nvmlDeviceGetUUID: Unknown Error (999)",
                                      "MIG device MIG-0-2 of GPU 0 is not announced: "
                                      "nvmlDeviceGetAttributes_v2: Unknown Error (999)"));
  // What is wrong with the GPU itself is wrong with all of it.
  gpu.problem = "nvmlDeviceGetMinorNumber: GPU is lost (15)";
  EXPECT_EQ(Make({gpu}).resources.at("nvidia.com/mig-1g.5gb").at("MIG-0-1").problem, gpu.problem);
}

TEST_F(GpuDevicesTest, TheEndingOfASharedResourceIsThatOfItsMigDevices) {
  EXPECT_EQ(MigResourceName("nvidia.com/gpu.shared", "1g.5gb"), "nvidia.com/mig-1g.5gb.shared");
  EXPECT_EQ(MigResourceName("example.com/x", "1g.24gb-me"), "example.com/mig-1g.24gb-me");
}

TEST_F(GpuDevicesTest, AVerdictIsAskedForEveryGpuAndMigDevice) {
  nvidia_.mig_strategy = Nvidia::MigStrategy::kMixed;
  Gpus all;
  all.gpus = {MakeGpu(0), WithMig(MakeGpu(1), {"1g.5gb", "1g.5gb"})};
  const GpuDevices made = MakeGpuDevices(
      kResource, nvidia_, all, files_,
      [](const Gpu& gpu, const MigDevice* mig) { return gpu.uuid + (mig ? mig->uuid : ""); });
  EXPECT_EQ(made.resources.at(kResource).at("GPU-0").problem, "GPU-0");
  const DeviceSet& migs = made.resources.at("nvidia.com/mig-1g.5gb");
  EXPECT_EQ(migs.at("MIG-1-0").problem, "GPU-1MIG-1-0");
  EXPECT_EQ(migs.at("MIG-1-1").problem, "GPU-1MIG-1-1");
}

// ---- what a container gets ----------------------------------------------------------------------

class GpuAnswerTest : public GpuDevicesTest {
 protected:
  ContainerAnswer Answer(const std::vector<std::string>& ids, int replicas = 1) {
    Announcement offered;
    nvidia_.mig_strategy = Nvidia::MigStrategy::kSingle;
    offered.devices = Make(gpus_).resources.at(kResource);
    offered.replicas = replicas;
    PluginSpec spec;
    spec.name = "gpu";
    spec.resource_name = kResource;
    spec.discovery = nvidia_;
    auto answer = AnswerContainer(offered, spec, ids);
    EXPECT_TRUE(answer.ok()) << answer.status();
    return answer.value_or(ContainerAnswer());
  }

  std::vector<Gpu> gpus_ = {MakeGpu(0), MakeGpu(1)};
};

TEST_F(GpuAnswerTest, EnvvarListsEachGpuOnce) {
  EXPECT_THAT(Answer({"GPU-1::0", "GPU-0::3", "GPU-1::2"}, 4).envs,
              ElementsAre(Pair("NVIDIA_VISIBLE_DEVICES", "GPU-0,GPU-1")));
  nvidia_.device_id_strategy = Nvidia::IdStrategy::kIndex;
  EXPECT_THAT(Answer({"GPU-1", "GPU-0"}).envs, ElementsAre(Pair("NVIDIA_VISIBLE_DEVICES", "0,1")));
}

TEST_F(GpuAnswerTest, VolumeMountsNameTheGpusByPaths) {
  nvidia_.device_list_strategy = {Strategy::kVolumeMounts};
  const ContainerAnswer answer = Answer({"GPU-0", "GPU-1"});
  EXPECT_THAT(answer.envs,
              ElementsAre(Pair("NVIDIA_VISIBLE_DEVICES", "/var/run/nvidia-container-devices")));
  EXPECT_THAT(
      answer.mounts,
      ElementsAre(DeviceMount{"/dev/null", "/var/run/nvidia-container-devices/GPU-0", false},
                  DeviceMount{"/dev/null", "/var/run/nvidia-container-devices/GPU-1", false}));
}

TEST_F(GpuAnswerTest, CdiCriGivesNamesAndNothingElse) {
  nvidia_.device_list_strategy = {Strategy::kCdiCri};
  ContainerAnswer expected;
  expected.cdi = {"k8s.device-plugin.nvidia.com/gpu=GPU-0",
                  "k8s.device-plugin.nvidia.com/gpu=GPU-1"};
  EXPECT_EQ(Answer({"GPU-1", "GPU-0"}), expected);
}

TEST_F(GpuAnswerTest, CdiAnnotationsGiveTheNamesInOneAnnotation) {
  nvidia_.device_list_strategy = {Strategy::kCdiAnnotations};
  nvidia_.cdi_annotation_prefix = "cdi.example/";
  const ContainerAnswer answer = Answer({"GPU-1", "GPU-0"});
  EXPECT_THAT(answer.cdi, IsEmpty());
  ASSERT_EQ(answer.annotations.size(), 1u);
  const auto& [name, value] = *answer.annotations.begin();
  EXPECT_TRUE(name.starts_with("cdi.example/nvidia-device-plugin_")) << name;
  EXPECT_LE(name.size() - name.find('/') - 1, 63u);
  EXPECT_EQ(value, "k8s.device-plugin.nvidia.com/gpu=GPU-0,k8s.device-plugin.nvidia.com/gpu=GPU-1");
  EXPECT_EQ(Answer({"GPU-0", "GPU-1"}), answer);
  EXPECT_NE(Answer({"GPU-0"}).annotations.begin()->first, name);
}

TEST_F(GpuAnswerTest, StrategiesAddUp) {
  nvidia_.device_list_strategy = {Strategy::kEnvvar, Strategy::kCdiCri, Strategy::kCdiAnnotations};
  const ContainerAnswer answer = Answer({"GPU-0"});
  EXPECT_EQ(answer.envs.size(), 1u);
  EXPECT_EQ(answer.cdi.size(), 1u);
  EXPECT_EQ(answer.annotations.size(), 1u);
}

TEST_F(GpuAnswerTest, DeviceSpecsAreTheNodesOfAllGpusAndItsOwn) {
  nvidia_.pass_device_specs = true;
  files_.controls = {"/dev/nvidiactl", "/dev/nvidia-uvm"};
  EXPECT_THAT(
      Answer({"GPU-0", "GPU-1"}).nodes,
      ElementsAre(DeviceNode{"/dev/nvidiactl", "", "rw"}, DeviceNode{"/dev/nvidia-uvm", "", "rw"},
                  DeviceNode{"/dev/nvidia4", "", "rw"}, DeviceNode{"/dev/nvidia5", "", "rw"}));
  files_.dev_root = "/run/nvidia/driver";
  EXPECT_THAT(Answer({"GPU-1"}).nodes,
              ElementsAre(DeviceNode{"/run/nvidia/driver/dev/nvidiactl", "/dev/nvidiactl", "rw"},
                          DeviceNode{"/run/nvidia/driver/dev/nvidia-uvm", "/dev/nvidia-uvm", "rw"},
                          DeviceNode{"/run/nvidia/driver/dev/nvidia5", "/dev/nvidia5", "rw"}));
}

TEST_F(GpuAnswerTest, DeviceSpecsOfAMigDeviceAreItsGpusAndItsCapabilities) {
  nvidia_.pass_device_specs = true;
  gpus_ = {WithMig(MakeGpu(0), {"1g.5gb", "1g.5gb"})};
  files_.mig_minors = {{"gpu4/gi1/access", 30}, {"gpu4/gi1/ci0/access", 31}};
  EXPECT_THAT(Answer({"MIG-0-0"}).nodes,
              ElementsAre(DeviceNode{"/dev/nvidia4", "", "rw"},
                          DeviceNode{"/dev/nvidia-caps/nvidia-cap30", "", "rw"},
                          DeviceNode{"/dev/nvidia-caps/nvidia-cap31", "", "rw"}));
  EXPECT_EQ(Make(gpus_).resources.at(kResource).at("MIG-0-1").problem,
            "/proc/driver/nvidia-caps/mig-minors does not say which device nodes open it "
            "(gpu4/gi2/ci0)");
}

TEST_F(GpuAnswerTest, WhatTheCdiFileCannotNameIsUnhealthy) {
  gpus_ = {WithMig(MakeGpu(0), {"1g.5gb"})};
  nvidia_.mig_strategy = Nvidia::MigStrategy::kSingle;
  EXPECT_TRUE(Make(gpus_).resources.at(kResource).at("MIG-0-0").healthy());
  nvidia_.device_list_strategy = {Strategy::kCdiCri};
  const Device mig = Make(gpus_).resources.at(kResource).at("MIG-0-0");
  EXPECT_THAT(mig.problem, HasSubstr("mig-minors does not say"));
  EXPECT_THAT(mig.nodes, IsEmpty());
  gpus_ = {MakeGpu(1)};
  gpus_[0].minor.reset();
  EXPECT_EQ(Make(gpus_).resources.at(kResource).at("GPU-1").problem,
            "the driver does not say which device node opens the GPU");
}

// ---- the CDI file -------------------------------------------------------------------------------

TEST_F(GpuDevicesTest, TheCdiFileNamesGpusAndMigDevicesWithTheirNodes) {
  Gpus all;
  all.gpus = {MakeGpu(0), WithMig(MakeGpu(1), {"1g.5gb", "1g.5gb"}), MakeGpu(2)};
  all.gpus[2].minor.reset();
  files_.controls = {"/dev/nvidiactl"};
  files_.mig_minors = {{"gpu5/gi1/access", 30}, {"gpu5/gi1/ci0/access", 31}};
  DriverFiles driver;
  driver.mounts = {{"/usr/lib64/libcuda.so.1.2", "/usr/lib64/libcuda.so.1", true}};
  driver.folders = {"/usr/lib64"};
  const CdiSpec spec = MakeGpuCdi(nvidia_, all, files_, driver);
  EXPECT_EQ(spec.kind, "k8s.device-plugin.nvidia.com/gpu");
  EXPECT_THAT(spec.devices, ElementsAre(Key("GPU-0"), Key("GPU-1"), Key("MIG-1-0")));
  EXPECT_THAT(spec.devices.at("GPU-0").nodes, ElementsAre(DeviceNode{"/dev/nvidia4", "", "rw"}));
  EXPECT_THAT(spec.devices.at("MIG-1-0").nodes,
              ElementsAre(DeviceNode{"/dev/nvidia5", "", "rw"},
                          DeviceNode{"/dev/nvidia-caps/nvidia-cap30", "", "rw"},
                          DeviceNode{"/dev/nvidia-caps/nvidia-cap31", "", "rw"}));
  EXPECT_THAT(spec.common.nodes, ElementsAre(DeviceNode{"/dev/nvidiactl", "", "rw"}));
  EXPECT_THAT(spec.common.envs, ElementsAre(Pair("NVIDIA_VISIBLE_DEVICES", "void")));
  EXPECT_EQ(spec.common.mounts, driver.mounts);
  EXPECT_THAT(spec.common.hooks, IsEmpty());
  driver.hook = "/usr/bin/nvidia-ctk";
  EXPECT_THAT(
      MakeGpuCdi(nvidia_, all, files_, driver).common.hooks,
      ElementsAre(CdiHook{"createContainer",
                          "/usr/bin/nvidia-ctk",
                          {"nvidia-ctk", "hook", "update-ldcache", "--folder", "/usr/lib64"}}));
}

}  // namespace
}  // namespace nodedevice
