// Binding and giving back on a fake node, whose kernel acts on what is written to its sysfs.
#include "plugin/discovery/pci_binder.h"

#include <filesystem>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/fake_pci_kernel.h"

namespace nodedevice {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

namespace fs = std::filesystem;

constexpr char kNic[] = "0000:3b:00.0";
constexpr char kSecond[] = "0000:3b:00.1";

class PciBinderTest : public ::testing::Test {
 protected:
  PciBinderTest() {
    Plug(kNic, "i40e", "42");
    fs::create_directories(node_.Under("sys/bus/pci/drivers/vfio-pci"));
  }

  void Plug(const std::string& address, const std::string& driver, const std::string& group,
            const std::string& vendor = "8086") {
    bus_.Plug({.address = address, .vendor = vendor, .driver = driver, .group = group});
    kernel_.HomeDriver(address, driver);
  }
  // A network interface or a disk of a function.
  void PlugObject(const std::string& kind, const std::string& address, const std::string& name) {
    const std::string real = testing::FakePciBus::Of(address, kind + "/" + name);
    fs::create_directories(node_.Under(real));
    fs::create_directory_symlink("../../devices/pci0000:3a/" + address + "/" + kind + "/" + name,
                                 node_.Under("sys/class/" + kind + "/" + name));
  }

  // Each time a new one: nothing is remembered.
  PciBinder Binder() {
    return PciBinder({.selectors = {{.vendor = 0x8086}}, .driver = "vfio-pci", .bind = true},
                     HostRoot(node_.path()), [this](const fs::path& file, std::string_view value) {
                       return kernel_.Write(file, value);
                     });
  }
  std::string RefusalOf(const std::string& id) {
    const absl::Status status = Binder().Prepare(id);
    EXPECT_FALSE(status.ok());
    return std::string(status.message());
  }

  testing::TempDir node_;
  testing::FakePciBus bus_{node_};
  testing::FakePciKernel kernel_{node_, bus_};
};

TEST_F(PciBinderTest, AFunctionIsBoundAndGivenBack) {
  EXPECT_THAT(Binder().Prepared(), IsEmpty());
  EXPECT_EQ(Binder().Prepare(kNic), absl::OkStatus());
  EXPECT_EQ(kernel_.DriverOf(kNic), "vfio-pci");
  EXPECT_TRUE(fs::exists(node_.Under("dev/vfio/42")));
  EXPECT_THAT(Binder().Prepared(), ElementsAre(kNic));

  EXPECT_EQ(Binder().Release(kNic), absl::OkStatus());
  EXPECT_EQ(kernel_.DriverOf(kNic), "i40e");
  EXPECT_THAT(Binder().Prepared(), IsEmpty());
  EXPECT_THAT(kernel_.trace(),
              ElementsAre("driver_override 0000:3b:00.0 <- vfio-pci", "unbind 0000:3b:00.0",
                          "drivers_probe 0000:3b:00.0", "unbind 0000:3b:00.0",
                          "driver_override 0000:3b:00.0 <- ", "drivers_probe 0000:3b:00.0"));
}

TEST_F(PciBinderTest, WhatIsBoundIsLeftAlone) {
  ASSERT_TRUE(Binder().Prepare(kNic).ok());
  const auto before = kernel_.trace();
  EXPECT_EQ(Binder().Prepare(kNic), absl::OkStatus());
  EXPECT_EQ(kernel_.trace(), before);
}

TEST_F(PciBinderTest, WhatSomethingElseBoundIsNeverGivenBack) {
  bus_.Bind(kNic, "vfio-pci");
  EXPECT_EQ(Binder().Prepare(kNic), absl::OkStatus());
  EXPECT_THAT(Binder().Prepared(), IsEmpty());
  EXPECT_EQ(Binder().Release(kNic), absl::OkStatus());
  EXPECT_THAT(kernel_.trace(), IsEmpty());
}

TEST_F(PciBinderTest, AFunctionWithoutADriverIsBoundAndLeftWithoutOne) {
  bus_.Bind(kNic, "");
  kernel_.HomeDriver(kNic, "");
  EXPECT_EQ(Binder().Prepare(kNic), absl::OkStatus());
  EXPECT_EQ(kernel_.DriverOf(kNic), "vfio-pci");
  EXPECT_EQ(Binder().Release(kNic), absl::OkStatus());
  EXPECT_EQ(kernel_.DriverOf(kNic), "");
}

TEST_F(PciBinderTest, TheWholeGroupIsBoundAndGivenBack) {
  Plug(kSecond, "snd_hda_intel", "42", "10de");  // is not selected
  Plug("0000:3b:00.2", "pcieport", "42", "10de");
  Plug("0000:3c:00.0", "i40e", "43");  // another group
  EXPECT_EQ(Binder().Prepare(kNic), absl::OkStatus());
  EXPECT_EQ(kernel_.DriverOf(kNic), "vfio-pci");
  EXPECT_EQ(kernel_.DriverOf(kSecond), "vfio-pci");
  EXPECT_EQ(kernel_.DriverOf("0000:3b:00.2"), "pcieport");
  EXPECT_EQ(kernel_.DriverOf("0000:3c:00.0"), "i40e");
  EXPECT_EQ(Binder().Release(kNic), absl::OkStatus());
  EXPECT_EQ(kernel_.DriverOf(kSecond), "snd_hda_intel");
}

TEST_F(PciBinderTest, WhenOneOfAGroupCannotBeBoundNoneIs) {
  Plug(kSecond, "igb", "42");
  for (const char* refused : {"driver_override 0000:3b:00.1 <- vfio-pci", "unbind 0000:3b:00.1",
                              "drivers_probe 0000:3b:00.1"}) {
    kernel_.Refuse(refused);
    EXPECT_THAT(RefusalOf(kNic), HasSubstr("binding 0000:3b:00.1 to vfio-pci: ")) << refused;
    EXPECT_EQ(kernel_.DriverOf(kNic), "i40e") << refused;
    EXPECT_EQ(kernel_.DriverOf(kSecond), "igb") << refused;
    EXPECT_THAT(Binder().Prepared(), IsEmpty()) << refused;
  }
}

TEST_F(PciBinderTest, ADriverThatDoesNotTakeTheFunctionIsAFailure) {
  kernel_.LetProbeFail(kNic);
  EXPECT_THAT(RefusalOf(kNic), HasSubstr("the kernel was asked and did not do it"));
  EXPECT_EQ(kernel_.DriverOf(kNic), "i40e");
}

TEST_F(PciBinderTest, WhatCouldNotBeGivenBackIsStillPrepared) {
  ASSERT_TRUE(Binder().Prepare(kNic).ok());
  for (const char* refused : {"unbind 0000:3b:00.0", "driver_override 0000:3b:00.0 <- "}) {
    kernel_.Refuse(refused);
    EXPECT_FALSE(Binder().Release(kNic).ok()) << refused;
    EXPECT_THAT(Binder().Prepared(), ElementsAre(kNic)) << refused;
  }
  EXPECT_EQ(Binder().Release(kNic), absl::OkStatus());
  EXPECT_EQ(kernel_.DriverOf(kNic), "i40e");
}

TEST_F(PciBinderTest, AnInterfaceThatIsUpKeepsItsFunction) {
  PlugObject("net", kNic, "eno1");
  node_.Write("sys/class/net/eno1/operstate", "up\n");
  EXPECT_EQ(RefusalOf(kNic),
            "0000:3b:00.0 is not bound to vfio-pci: its network interface eno1 is up");
  EXPECT_THAT(kernel_.trace(), IsEmpty());
  node_.Write("sys/class/net/eno1/operstate", "down\n");
  fs::create_directory_symlink("../bond0", node_.Under("sys/class/net/eno1/master"));
  EXPECT_THAT(RefusalOf(kNic), HasSubstr("its network interface eno1 is part of bond0"));
  node_.Remove("sys/class/net/eno1/master");
  EXPECT_EQ(Binder().Prepare(kNic), absl::OkStatus());
}

TEST_F(PciBinderTest, AnInterfaceOfAnotherFunctionDoesNot) {
  Plug("0000:3c:00.0", "i40e", "43");
  PlugObject("net", "0000:3c:00.0", "eno2");
  node_.Write("sys/class/net/eno2/operstate", "up\n");
  EXPECT_EQ(Binder().Prepare(kNic), absl::OkStatus());
}

TEST_F(PciBinderTest, ADiskThatIsPartOfSomethingKeepsItsFunction) {
  PlugObject("block", kNic, "nvme0n1");
  fs::create_directories(node_.Under("sys/class/block/nvme0n1/holders/dm-0"));
  EXPECT_THAT(RefusalOf(kNic), HasSubstr("its disk nvme0n1 is part of dm-0"));
}

TEST_F(PciBinderTest, ADiskOfSeveralControllersKeepsEachOfThem) {
  fs::create_directories(node_.Under(testing::FakePciBus::Of(kNic, "nvme/nvme0/nvme2c0n1")));
  fs::create_directories(node_.Under("sys/class/block/nvme2n1/holders/md127"));
  EXPECT_THAT(RefusalOf(kNic), HasSubstr("its disk nvme2n1 is part of md127"));
}

TEST_F(PciBinderTest, VirtualFunctionsKeepTheirPhysicalOne) {
  node_.Write(testing::FakePciBus::Of(kNic, "sriov_numvfs"), "4\n");
  EXPECT_THAT(RefusalOf(kNic), HasSubstr("it has 4 virtual functions"));
  node_.Write(testing::FakePciBus::Of(kNic, "sriov_numvfs"), "0\n");
  EXPECT_EQ(Binder().Prepare(kNic), absl::OkStatus());
}

TEST_F(PciBinderTest, AnotherOfTheGroupThatTheHostNeedsKeepsTheWholeGroup) {
  Plug(kSecond, "igb", "42", "10de");
  PlugObject("net", kSecond, "eno1");
  node_.Write("sys/class/net/eno1/operstate", "up\n");
  EXPECT_EQ(RefusalOf(kNic),
            "0000:3b:00.1 is not bound to vfio-pci: its network interface eno1 is up");
  EXPECT_EQ(kernel_.DriverOf(kNic), "i40e");
}

TEST_F(PciBinderTest, AFunctionThatIsGoneCannotBePreparedAndNeedNotBeReleased) {
  EXPECT_EQ(Binder().Prepare("0000:99:00.0").code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(Binder().Release("0000:99:00.0"), absl::OkStatus());
}

}  // namespace
}  // namespace nodedevice
