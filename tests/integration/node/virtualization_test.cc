// Devices of the buses, with the real programs: found in a fake /sys, announced, and given to a
// Pod.

#include "tests/integration/node/node_fixture.h"
#include "tests/support/fake_pci_bus.h"

namespace nodedevice::testing {
namespace {

using ::testing::HasSubstr;

class VirtualizationTest : public NodeTest {
 protected:
  VirtualizationTest() : bus_(host_) {}
  FakePciBus bus_;
};

TEST_F(VirtualizationTest, AnIommuGroupReachesAPodAndIsHeldBackWhileItsDriverIsWrong) {
  bus_.Plug({.address = "0000:3b:00.0", .driver = "vfio-pci", .group = "42", .numa = "1"});
  bus_.MakeGroupNode("42");
  bus_.Plug({.address = "0000:3c:00.0", .driver = "i40e", .group = "43"});
  Configure(
      {"{name: nic, resourceName: intel.com/x710, pci: {selectors: [{vendor: '8086', device: "
       "'1572'}]}}"});
  StartDeviceManager();
  StartAgent();
  ASSERT_TRUE(WaitForCounts("intel.com/x710", 2, 1)) << agent().Output();
  EXPECT_THAT(Get("/metrics").body,
              HasSubstr("0000:3c:00.0 has the driver i40e instead of vfio-pci"));

  const ProgramResult pod = DeviceManagerSays("admit", {PodFile("vm", {{"intel.com/x710", 1}})});
  EXPECT_EQ(pod.code, 0) << pod.output;
  EXPECT_THAT(pod.output, HasSubstr("/dev/vfio/vfio"));
  EXPECT_THAT(pod.output, HasSubstr("/dev/vfio/42"));
  EXPECT_THAT(pod.output, HasSubstr("PCI_RESOURCE_INTEL_COM_X710"));
  EXPECT_THAT(pod.output, HasSubstr("0000:3b:00.0"));

  // The administrator binds the other one; its node in /dev/vfio is the hint.
  bus_.Bind("0000:3c:00.0", "vfio-pci");
  bus_.MakeGroupNode("43");
  EXPECT_TRUE(WaitForCounts("intel.com/x710", 2, 2)) << agent().Output();
  Unplug("dev/vfio/42");
  EXPECT_TRUE(WaitForCounts("intel.com/x710", 2, 1)) << agent().Output();
}

}  // namespace
}  // namespace nodedevice::testing
