// Devices of the buses, with the real plugin: found in a fake /sys, announced, and given to a Pod.

#include <signal.h>

#include "lib/base/file.h"
#include "tests/integration/node/node_fixture.h"
#include "tests/support/fake_mdev_kernel.h"
#include "tests/support/fake_pci_bus.h"
#include "tests/support/wait_for.h"

namespace nodedevice::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class VirtualizationTest : public NodeTest {
 protected:
  VirtualizationTest() : bus_(host_) {}
  FakePciBus bus_;
};

TEST_F(VirtualizationTest, AnIommuGroupReachesAPodAndIsHeldBackWhileItsDriverIsWrong) {
  bus_.Plug({.address = "0000:3b:00.0", .driver = "vfio-pci", .group = "42", .numa = "1"});
  bus_.MakeGroupNode("42");
  bus_.Plug({.address = "0000:3c:00.0", .driver = "i40e", .group = "43"});
  StartDeviceManager();
  Program plugin({"node-device-plugin", "--plugin",
                  R"({"name": "nic", "resourceName": "intel.com/x710",
                      "pci": {"selectors": [{"vendor": "8086", "device": "1572"}]}})",
                  "--host-root", host_.path(), "--kubelet-dir", dir_.path() / "k"},
                 dir_.path() / "plugin.log");
  ASSERT_TRUE(WaitForCounts("intel.com/x710", 2, 1)) << plugin.Output();
  EXPECT_THAT(plugin.Output(),
              HasSubstr("device 0000:3c:00.0 is unhealthy: 0000:3c:00.0 has the driver i40e "
                        "instead of vfio-pci"));

  const ProgramResult admitted =
      DeviceManagerSays("admit", {PodFile("vm", {{"intel.com/x710", 1}})});
  ASSERT_EQ(admitted.code, 0) << admitted.output;
  const auto spec = nlohmann::json::parse(admitted.output)["containers"][0]["spec"];
  ASSERT_EQ(spec["devices"].size(), 2u) << spec;
  // What a container is told never carries the host root.
  EXPECT_EQ(spec["devices"][0]["hostPath"], "/dev/vfio/42");
  EXPECT_EQ(spec["devices"][0]["permissions"], "mrw");
  EXPECT_EQ(spec["devices"][1]["hostPath"], "/dev/vfio/vfio");
  EXPECT_EQ(spec["envs"]["PCI_RESOURCE_INTEL_COM_X710"], "0000:3b:00.0") << spec;

  // The administrator binds the other one; its node in /dev/vfio is the hint.
  bus_.Bind("0000:3c:00.0", "vfio-pci");
  bus_.MakeGroupNode("43");
  EXPECT_TRUE(WaitForCounts("intel.com/x710", 2, 2)) << plugin.Output();
  Unplug("dev/vfio/42");
  EXPECT_TRUE(WaitForCounts("intel.com/x710", 2, 1)) << plugin.Output();
  plugin.Signal(SIGTERM);
  EXPECT_EQ(plugin.Wait(), 0) << plugin.Output();
}

// The fake host has no kernel that would act on what is written to it.
TEST_F(VirtualizationTest, AContainerDoesNotStartWithADeviceThatCannotBeBound) {
  bus_.Plug({.address = "0000:3c:00.0", .driver = "i40e", .group = "43"});
  host_.MakeNode("dev/vfio/vfio");
  host_.Write("sys/bus/pci/drivers/vfio-pci/unbind", "");
  host_.Write("sys/bus/pci/drivers/i40e/unbind", "");
  host_.Write("sys/bus/pci/drivers_probe", "");
  StartDeviceManager();
  Program plugin({"node-device-plugin", "--plugin",
                  R"({"name": "nic", "resourceName": "intel.com/x710",
                      "pci": {"selectors": [{"vendor": "8086"}], "bind": true}})",
                  "--host-root", host_.path(), "--kubelet-dir", dir_.path() / "k"},
                 dir_.path() / "plugin.log");
  ASSERT_TRUE(WaitForCounts("intel.com/x710", 1, 1)) << plugin.Output();

  const ProgramResult refused =
      DeviceManagerSays("admit", {PodFile("vm", {{"intel.com/x710", 1}})});
  EXPECT_NE(refused.code, 0);
  EXPECT_THAT(refused.output,
              HasSubstr("device plugin PreStartContainer rpc failed with err: rpc error: code = "
                        "Internal desc = 0000:3c:00.0: binding 0000:3c:00.0 to vfio-pci: the "
                        "kernel was asked and did not do it"));
  // It was tried, and undone.
  EXPECT_EQ(ReadFile(host_.Under("sys/bus/pci/drivers/i40e/unbind"), 99).value_or(""),
            "0000:3c:00.0");
  EXPECT_THAT(
      ReadFile(host_.Under(FakePciBus::Of("0000:3c:00.0", "driver_override")), 99).value_or(""),
      StartsWith("\n"));
  plugin.Signal(SIGTERM);
  EXPECT_EQ(plugin.Wait(), 0) << plugin.Output();
}

// The fake host has no kernel that would act on what is written to it: the test does.
TEST_F(VirtualizationTest, MediatedDevicesAreAskedForAndAnnouncedWhenTheKernelHasMadeThem) {
  bus_.Plug({.address = "0000:3b:00.0", .vendor = "10de", .driver = "nvidia"});
  FakeMdevKernel kernel(host_, bus_);
  kernel.Register("0000:3b:00.0", 1, {{"nvidia-222", "GRID T4-1Q"}});
  StartDeviceManager();
  Program plugin({"node-device-plugin", "--plugin",
                  R"({"name": "vgpu", "resourceName": "nvidia.com/GRID_T4-1Q",
                      "mdev": {"selectors": [{"type": "GRID T4-1Q"}],
                               "create": [{"type": "GRID T4-1Q", "count": 1}]},
                      "health": {"interval": "1s"}})",
                  "--host-root", host_.path(), "--kubelet-dir", dir_.path() / "k"},
                 dir_.path() / "plugin.log");
  ASSERT_TRUE(WaitFor([&] {
    return plugin.Output().find(
               "create: 0 of 1 of type GRID T4-1Q: 0000:3b:00.0: the kernel was "
               "asked and did not do it") != std::string::npos;
  })) << plugin.Output();
  const std::string asked =
      ReadFile(
          host_.Under("sys/class/mdev_bus/0000:3b:00.0/mdev_supported_types/nvidia-222/create"), 99)
          .value_or("");
  EXPECT_THAT(asked, StartsWith("6d646576-"));

  kernel.Make("0000:3b:00.0", "nvidia-222", asked);
  ASSERT_TRUE(WaitForCounts("nvidia.com/GRID_T4-1Q", 1, 1)) << plugin.Output();
  const ProgramResult admitted =
      DeviceManagerSays("admit", {PodFile("vm", {{"nvidia.com/GRID_T4-1Q", 1}})});
  ASSERT_EQ(admitted.code, 0) << admitted.output;
  const auto spec = nlohmann::json::parse(admitted.output)["containers"][0]["spec"];
  EXPECT_EQ(spec["envs"]["MDEV_PCI_RESOURCE_NVIDIA_COM_GRID_T4-1Q"], asked) << spec;
  plugin.Signal(SIGTERM);
  EXPECT_EQ(plugin.Wait(), 0) << plugin.Output();
}

}  // namespace
}  // namespace nodedevice::testing
