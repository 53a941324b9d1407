#include "agent/host_preparation.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/temp_dir.h"

namespace nodedevice::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// A host whose kernel has two arguments and two modules.
class HostPreparationTest : public ::testing::Test {
 protected:
  HostPreparationTest() {
    host_.Write("proc/cmdline", "BOOT_IMAGE=/vmlinuz  intel_iommu=on iommu=pt\n");
    for (const char* module : {"vhost_net", "kvm"}) {
      fs::create_directories(host_.Under("sys/module") / module);
    }
    fs::create_directories(host_.Under("sys/bus/pci/devices"));
  }

  void AddDevice(const std::string& address, const std::string& vendor, const std::string& device,
                 const std::string& driver) const {
    const std::string folder = "sys/bus/pci/devices/" + address;
    host_.Write(folder + "/vendor", "0x" + vendor + "\n");
    host_.Write(folder + "/device", "0x" + device + "\n");
    if (driver.empty()) return;
    const fs::path link = host_.Under(folder + "/driver");
    fs::remove(link);
    fs::create_symlink("../../drivers/" + driver, link);
  }
  std::vector<std::string> Lacking(const NodePreparation& preparation) const {
    return LackingOnHost(preparation, host_.path());
  }

  const TempDir host_;
};

TEST_F(HostPreparationTest, AHostThatHasEverythingLacksNothing) {
  fs::create_directories(host_.Under("sys/module/vfio_pci"));
  AddDevice("0000:03:00.0", "8086", "1572", "vfio-pci");
  EXPECT_THAT(Lacking({{"intel_iommu=on", "iommu=pt"}, {"vhost-net", "kvm"}, {"8086:1572"}}),
              IsEmpty());
  EXPECT_THAT(Lacking({}), IsEmpty());
}

TEST_F(HostPreparationTest, AnArgumentIsAWholeWordOfTheCommandLine) {
  EXPECT_THAT(Lacking({{"intel_iommu", "iommu=pt", "amd_iommu=on"}, {}, {}}),
              ElementsAre("the kernel was booted without the argument intel_iommu",
                          "the kernel was booted without the argument amd_iommu=on"));
}

TEST_F(HostPreparationTest, AModuleThatIsNotThereIsNamedAsItWasAskedFor) {
  EXPECT_THAT(Lacking({{}, {"kvm", "nvme-tcp"}, {}}),
              ElementsAre("the kernel module nvme-tcp is not loaded"));
}

TEST_F(HostPreparationTest, EveryVfioDeviceThatIsThereMustHaveTheDriver) {
  AddDevice("0000:04:00.0", "10de", "1eb8", "");
  AddDevice("0000:03:00.0", "8086", "1572", "i40e");
  AddDevice("0000:05:00.0", "8086", "ffff", "i40e");
  EXPECT_THAT(
      Lacking({{}, {}, {"8086:1572", "10DE:1EB8", "1077:2532"}}),
      ElementsAre("the kernel module vfio-pci is not loaded",
                  "the PCI device 0000:03:00.0 (8086:1572) has the driver i40e instead of vfio-pci",
                  "the PCI device 0000:04:00.0 (10de:1eb8) has no driver instead of vfio-pci"));
  fs::create_directories(host_.Under("sys/module/vfio_pci"));
  AddDevice("0000:03:00.0", "8086", "1572", "vfio-pci");
  AddDevice("0000:04:00.0", "10de", "1eb8", "vfio-pci");
  EXPECT_THAT(Lacking({{}, {"vfio_pci"}, {"8086:1572", "10DE:1EB8"}}), IsEmpty());
}

TEST_F(HostPreparationTest, WhatCannotBeReadIsSaid) {
  host_.Remove("proc/cmdline");
  AddDevice("0000:03:00.0", "8086", "1572", "i40e");
  host_.Remove("sys/bus/pci/devices/0000:03:00.0/device");
  EXPECT_THAT(Lacking({{"iommu=pt"}, {"kvm"}, {}}), ElementsAre(HasSubstr("cmdline")));
  EXPECT_THAT(Lacking({{}, {}, {"8086:1572"}}),
              ElementsAre("the kernel module vfio-pci is not loaded"))
      << "what a device without an id is, nobody can tell";
}

// As in a container.
TEST_F(HostPreparationTest, WithoutProcAndSysOfTheHostOurOwnTellTheSame) {
  const TempDir empty;
  EXPECT_THAT(LackingOnHost({{"no-such-argument"}, {"no-such-module"}, {}}, empty.path()),
              ElementsAre("the kernel was booted without the argument no-such-argument",
                          "the kernel module no-such-module is not loaded"));
}

}  // namespace
}  // namespace nodedevice::testing
