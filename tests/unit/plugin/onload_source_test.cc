// Family `onload` on a fake node: a directory tree with FIFOs in the place of device nodes.
#include "plugin/discovery/onload.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugin/allocation.h"
#include "plugin/discovery/registry.h"
#include "tests/support/temp_dir.h"

namespace nodedevice {
namespace {

using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;
using ::testing::StartsWith;

constexpr char kResource[] = "amd.com/onload";
constexpr char kLib[] = "opt/onload/usr/lib64/";

class OnloadSourceTest : public ::testing::Test {
 protected:
  // A network interface on a PCI device of this vendor.
  void AddInterface(const std::string& name, const std::string& address,
                    const std::string& vendor = "0x1924", int numa = -1) {
    const std::string device = "sys/devices/pci0000:00/" + address;
    node_.Write(device + "/vendor", vendor + "\n");
    node_.Write(device + "/device", "0x0a03\n");
    node_.Write(device + "/numa_node", std::to_string(numa) + "\n");
    node_.Write(device + "/net/" + name + "/mtu", "1500\n");
    std::filesystem::create_directory_symlink("../../../" + address,
                                              node_.Under(device + "/net/" + name + "/device"));
    std::filesystem::create_directory_symlink(
        "../../devices/pci0000:00/" + address + "/net/" + name,
        node_.Under("sys/class/net/" + name));
  }
  void LoadDriver(const std::string& character_devices =
                      "511 sfc_char\n238 onload_epoll\n"
                      "239 onload\n") {
    node_.Write("proc/devices", "Character devices:\n  1 mem\n" + character_devices +
                                    "\nBlock devices:\n  8 sd\n240 onload_cplane\n");
  }
  void Install() {
    for (const char* name : {"onload", "onload_epoll", "sfc_char"}) {
      node_.MakeNode("dev/" + std::string(name));
    }
    node_.Write(std::string(kLib) + "libonload.so", "elf");
    node_.Write("opt/onload/usr/bin/onload", "#!/bin/bash");
  }
  // A node on which everything is right.
  void GoodNode() {
    AddInterface("ens1f0", "0000:3b:00.0");
    LoadDriver();
    Install();
  }

  Inventory Scan(const Onload& onload = {}, bool topology = true) {
    auto inventory = OnloadSource(kResource, onload, topology, HostRoot(node_.path())).Scan();
    EXPECT_TRUE(inventory.ok()) << inventory.status();
    return inventory.value_or(Inventory{});
  }
  static const DeviceSet& DevicesOf(const Inventory& inventory) {
    return inventory.resources.at(kResource);
  }
  // What is wrong with every device.
  std::string Problem(const Onload& onload = {}) {
    const Inventory inventory = Scan(onload);
    const DeviceSet& devices = DevicesOf(inventory);
    if (devices.empty()) return "no devices";
    const std::string& problem = devices.begin()->second.problem;
    for (const auto& [id, device] : devices) EXPECT_EQ(device.problem, problem) << id;
    return problem;
  }
  // What a container gets for these ids.
  ContainerAnswer Answer(const Onload& onload, const std::vector<std::string>& ids) {
    PluginSpec spec;
    spec.resource_name = kResource;
    const auto answer = AnswerContainer({.devices = DevicesOf(Scan(onload))}, spec, ids);
    EXPECT_TRUE(answer.ok()) << answer.status();
    return answer.value_or(ContainerAnswer{});
  }

  testing::TempDir node_;
};

DeviceNode OnloadNode(const std::string& name) { return {"/dev/" + name, "", "mrw"}; }

// ---- what AMD's plugin announces and answers ------------------------------------------------

TEST_F(OnloadSourceTest, AnnouncesAHundredSlotsInTheirOrder) {
  GoodNode();
  const Inventory inventory = Scan();
  std::vector<std::string> ids;
  for (const auto& [id, device] : DevicesOf(inventory)) {
    EXPECT_TRUE(device.healthy()) << device.problem;
    EXPECT_THAT(device.numa_nodes, IsEmpty());
    ids.push_back(id);
  }
  ASSERT_THAT(ids, SizeIs(100));
  EXPECT_EQ(ids[0], "sfc-0");
  EXPECT_EQ(ids[10], "sfc-10");
  EXPECT_EQ(ids[99], "sfc-99");
  EXPECT_THAT(inventory.notes, IsEmpty());
}

TEST_F(OnloadSourceTest, MaxSaysHowManySlotsThereAre) {
  GoodNode();
  EXPECT_THAT(DevicesOf(Scan({.max = 3})), SizeIs(3));
}

TEST_F(OnloadSourceTest, ASlotIsTheNodesTheLibrariesAndThePreload) {
  GoodNode();
  for (const char* name : {"libonload_ext.so.2", "libonload.so.1", "libonload_ext.so",
                           "libonload.so.1.debug", "libother.so", "xlibonload.so"}) {
    node_.Write(kLib + std::string(name), "elf");
  }
  const ContainerAnswer answer = Answer({}, {"sfc-7"});
  EXPECT_THAT(answer.nodes, ElementsAre(OnloadNode("onload"), OnloadNode("onload_epoll"),
                                        OnloadNode("sfc_char")));
  std::vector<std::string> mounts;
  for (const DeviceMount& mount : answer.mounts) {
    EXPECT_TRUE(mount.read_only);
    EXPECT_EQ(mount.ContainerPath(), mount.host_path);
    mounts.push_back(mount.host_path);
  }
  EXPECT_THAT(mounts, ElementsAre("/opt/onload/usr/lib64/libonload.so",
                                  "/opt/onload/usr/lib64/libonload.so.1",
                                  "/opt/onload/usr/lib64/libonload.so.1.debug",
                                  "/opt/onload/usr/lib64/libonload_ext.so",
                                  "/opt/onload/usr/lib64/libonload_ext.so.2"));
  EXPECT_THAT(answer.envs, ElementsAre(Pair("LD_PRELOAD", "/opt/onload/usr/lib64/libonload.so")));
  EXPECT_THAT(answer.annotations, IsEmpty());
  EXPECT_THAT(answer.cdi, IsEmpty());
}

TEST_F(OnloadSourceTest, TheAnswerIsTheSameHoweverManySlotsAContainerHas) {
  GoodNode();
  EXPECT_EQ(Answer({}, {"sfc-0"}), Answer({}, {"sfc-99", "sfc-3", "sfc-0"}));
}

TEST_F(OnloadSourceTest, WithMountOnloadTheCommandIsThereAndNothingIsPreloaded) {
  GoodNode();
  const ContainerAnswer answer = Answer({.preload = false, .mount_onload = true}, {"sfc-0"});
  EXPECT_THAT(answer.mounts,
              ElementsAre(DeviceMount{"/opt/onload/usr/lib64/libonload.so", "", true},
                          DeviceMount{"/opt/onload/usr/bin/onload", "", true}));
  EXPECT_THAT(answer.envs, IsEmpty());
}

TEST_F(OnloadSourceTest, PathsInTheContainerAreBelowTheBase) {
  GoodNode();
  const Onload onload{.preload = true,
                      .mount_onload = true,  // no configuration says both
                      .base_mount_path = "/usr/local/onload",
                      .bin_path = "/bin",
                      .lib_path = "/lib/x"};
  const ContainerAnswer answer = Answer(onload, {"sfc-0"});
  EXPECT_THAT(answer.mounts, ElementsAre(DeviceMount{"/opt/onload/usr/lib64/libonload.so",
                                                     "/usr/local/onload/lib/x/libonload.so", true},
                                         DeviceMount{"/opt/onload/usr/bin/onload",
                                                     "/usr/local/onload/bin/onload", true}));
  EXPECT_THAT(answer.envs, ElementsAre(Pair("LD_PRELOAD", "/usr/local/onload/lib/x/libonload.so")));
}

TEST_F(OnloadSourceTest, AnInstallationOfTheHostItselfIsBelowTheRoot) {
  AddInterface("ens1f0", "0000:3b:00.0");
  LoadDriver();
  Install();
  node_.Write("usr/lib64/libonload.so", "elf");
  const ContainerAnswer answer = Answer({.host_path = "/", .base_mount_path = "/"}, {"sfc-0"});
  EXPECT_THAT(answer.mounts, ElementsAre(DeviceMount{"/usr/lib64/libonload.so", "", true}));
  EXPECT_THAT(answer.envs, ElementsAre(Pair("LD_PRELOAD", "/usr/lib64/libonload.so")));
}

TEST_F(OnloadSourceTest, WithoutAnInterfaceNothingIsAnnouncedUnlessNoneIsNeeded) {
  AddInterface("eth0", "0000:00:02.0", "0x8086");
  LoadDriver();
  Install();
  const Inventory inventory = Scan();
  EXPECT_THAT(DevicesOf(inventory), IsEmpty());
  EXPECT_THAT(inventory.notes,
              ElementsAre("there is no network interface of Solarflare (PCI vendor 1924)"));
  EXPECT_THAT(DevicesOf(Scan({.need_nic = false})), SizeIs(100));
}

// ---- interfaces -----------------------------------------------------------------------------

TEST_F(OnloadSourceTest, InterfacesAreFoundByTheVendorOfTheirDevice) {
  AddInterface("ens2f1", "0000:5e:00.1");
  AddInterface("ens2f0", "0000:5e:00.0");
  AddInterface("ens10", "0000:81:00.0", "0x1924\n\n");
  AddInterface("eth0", "0000:00:02.0", "0x8086");
  AddInterface("bad1", "0000:00:03.0", "1924 or so");
  AddInterface("bad2", "0000:00:04.0", "");
  AddInterface("bad3", "0000:00:05.0", "0x11924");
  node_.Write("sys/class/net/bonding_masters", "bond0\n");
  node_.Write("sys/class/net/lo/mtu", "65536\n");
  std::filesystem::create_directory_symlink("../../gone", node_.Under("sys/class/net/gone"));
  EXPECT_THAT(SolarflareInterfaces(HostRoot(node_.path())),
              ElementsAre("ens2f0", "ens2f1", "ens10"));
}

TEST_F(OnloadSourceTest, EachInterfaceIsADeviceNearItsNumaNode) {
  GoodNode();
  AddInterface("ens2f0np0", "0000:d8:00.0", "0x1924", 1);
  const Onload by_interface{.announce = Onload::Announce::kInterfaces};
  const Inventory inventory = Scan(by_interface);
  const DeviceSet& devices = DevicesOf(inventory);
  ASSERT_THAT(devices, SizeIs(2));
  EXPECT_THAT(devices.at("ens1f0").numa_nodes, IsEmpty());
  EXPECT_THAT(devices.at("ens2f0np0").numa_nodes, ElementsAre(1));
  EXPECT_THAT(DevicesOf(Scan(by_interface, /*topology=*/false)).at("ens2f0np0").numa_nodes,
              IsEmpty());
}

TEST_F(OnloadSourceTest, AnInterfaceBringsTheNodesOfTheOldPluginThatAreThere) {
  GoodNode();
  const Onload by_interface{.announce = Onload::Announce::kInterfaces};
  EXPECT_THAT(Answer(by_interface, {"ens1f0"}).nodes, SizeIs(3));
  LoadDriver("239 onload\n238 onload_epoll\n237 onload_cplane\n");
  node_.MakeNode("dev/onload_cplane");
  node_.MakeNode("dev/sfc_affinity");
  EXPECT_THAT(Answer(by_interface, {"ens1f0"}).nodes,
              ElementsAre(OnloadNode("onload"), OnloadNode("onload_epoll"), OnloadNode("sfc_char"),
                          OnloadNode("onload_cplane"), OnloadNode("sfc_affinity")));
  // Slots of an old release need its control plane.
  EXPECT_THAT(Answer({}, {"sfc-0"}).nodes,
              ElementsAre(OnloadNode("onload"), OnloadNode("onload_epoll"), OnloadNode("sfc_char"),
                          OnloadNode("onload_cplane")));
}

TEST_F(OnloadSourceTest, ThousandsOfInterfacesAreAsManyDevices) {
  GoodNode();
  constexpr int kCount = 4096;
  for (int i = 1; i < kCount; ++i) {
    std::filesystem::create_directory_symlink(
        "ens1f0", node_.path() / ("sys/class/net/ens1f" + std::to_string(i)));
  }
  EXPECT_THAT(DevicesOf(Scan({.announce = Onload::Announce::kInterfaces})), SizeIs(kCount));
}

// ---- health -----------------------------------------------------------------------------------

TEST_F(OnloadSourceTest, WithoutItsDriverEveryDeviceSaysWhatToInstall) {
  AddInterface("ens1f0", "0000:3b:00.0");
  LoadDriver("");
  EXPECT_EQ(Problem(),
            "Onload's driver is not loaded, /proc/devices does not name onload, onload_epoll: "
            "install Onload's kernel modules for this kernel and load them (modprobe onload; "
            "spec.nodePreparation.kernelModules loads them at boot)");
  EXPECT_THAT(DevicesOf(Scan()), SizeIs(100));
}

TEST_F(OnloadSourceTest, NamesOfDevicesAreComparedAsAWhole) {
  GoodNode();
  LoadDriver("239 onload_epoll\n238 onload2\n237  x onload\nonload\n");
  EXPECT_THAT(Problem(), HasSubstr("does not name onload:"));
}

TEST_F(OnloadSourceTest, AnOldReleaseWithoutItsControlPlaneIsNoGood) {
  GoodNode();
  node_.MakeNode("dev/onload_cplane");
  EXPECT_THAT(Problem(), HasSubstr("does not name onload_cplane:"));
  LoadDriver("239 onload\n238 onload_epoll\n237 onload_cplane\n");
  EXPECT_EQ(Problem(), "");
}

TEST_F(OnloadSourceTest, ADriverThatIsLoadedLaterMakesThemWell) {
  AddInterface("ens1f0", "0000:3b:00.0");
  Install();
  LoadDriver("");
  EXPECT_NE(Problem(), "");
  LoadDriver();
  EXPECT_EQ(Problem(), "");
}

TEST_F(OnloadSourceTest, AListOfDevicesThatCannotBeReadIsSaid) {
  GoodNode();
  node_.Remove("proc/devices");
  EXPECT_THAT(Problem(), StartsWith("cannot tell whether Onload's driver is loaded: "));
  node_.Write("proc/devices", std::string(2u << 20, '\xff'));
  EXPECT_THAT(Problem(), HasSubstr("more than 1048576 bytes"));
}

// In a pod whose configuration has GPUs, too.
TEST_F(OnloadSourceTest, WithTheFolderOfGpusOnlyTheListOfThisProcessIsRead) {
  GoodNode();
  node_.Remove("proc/devices");
  std::filesystem::create_directories(node_.Under("proc/driver/nvidia"));
  EXPECT_THAT(Problem(), ::testing::Not(StartsWith("cannot tell")));
}

TEST_F(OnloadSourceTest, AMissingOrWrongNodeIsSaid) {
  GoodNode();
  for (const std::string name : {"onload", "onload_epoll", "sfc_char"}) {
    node_.Remove("dev/" + name);
    EXPECT_EQ(Problem(), "/dev/" + name + ": No such file or directory");
    node_.Write("dev/" + name, "");
    EXPECT_EQ(Problem(), "/dev/" + name + " is a file, not a device node");
    node_.Remove("dev/" + name);
    node_.MakeNode("dev/" + name);
    EXPECT_EQ(Problem(), "");
  }
}

TEST_F(OnloadSourceTest, ALibraryThatIsMissingIsAProblemWhereItIsUsed) {
  GoodNode();
  node_.Remove(std::string(kLib) + "libonload.so");
  node_.Write(std::string(kLib) + "libonload.so.1", "elf");
  const std::string lacking =
      "/opt/onload/usr/lib64/libonload.so does not exist: install Onload's libraries there, or say "
      "in onload.hostPath where they are";
  EXPECT_EQ(Problem(), lacking);
  EXPECT_EQ(Problem({.preload = false, .mount_onload = true}), lacking);
  EXPECT_EQ(Problem({.preload = false}), "");
  EXPECT_THAT(Scan({.preload = false}).notes, ElementsAre(lacking));
}

TEST_F(OnloadSourceTest, ACommandThatIsMissingIsAProblemWhereItIsAskedFor) {
  GoodNode();
  node_.Remove("opt/onload/usr/bin/onload");
  EXPECT_EQ(Problem(), "");
  EXPECT_EQ(Problem({.preload = false, .mount_onload = true}),
            "/opt/onload/usr/bin/onload does not exist, and mountOnload asks for it");
}

TEST_F(OnloadSourceTest, WhatIsNoLibraryIsLeftOutWithANote) {
  GoodNode();
  node_.Write("opt/onload/usr/lib64/libonload.so.8", "elf");
  std::filesystem::create_symlink("libonload.so.8",
                                  node_.Under(kLib + std::string("libonload.so.1")));
  std::filesystem::create_symlink("/opt/onload/gone",
                                  node_.Under(kLib + std::string("libonload.so.2")));
  node_.Write(std::string(kLib) + "libonload.so.d/x", "");
  node_.Write(std::string(kLib) + "libonload.so.\xff", "elf");
  const Inventory inventory = Scan();
  EXPECT_THAT(DevicesOf(inventory).at("sfc-0").mounts,
              ElementsAre(Field(&DeviceMount::host_path, "/opt/onload/usr/lib64/libonload.so"),
                          Field(&DeviceMount::host_path, "/opt/onload/usr/lib64/libonload.so.1"),
                          Field(&DeviceMount::host_path, "/opt/onload/usr/lib64/libonload.so.8")));
  EXPECT_THAT(
      inventory.notes,
      ElementsAre("not given to containers, for it is no file or more than the 64 that are: "
                  "/opt/onload/usr/lib64/libonload.so.2 and 2 more"));
  EXPECT_EQ(Problem(), "");
}

TEST_F(OnloadSourceTest, AFolderFullOfLibrariesDoesNotFillTheAnswer) {
  GoodNode();
  for (int i = 0; i < 100; ++i) node_.Write(kLib + ("libonload.so." + std::to_string(i)), "elf");
  const Inventory inventory = Scan();
  EXPECT_THAT(DevicesOf(inventory).at("sfc-0").mounts, SizeIs(64));
  EXPECT_THAT(inventory.notes, ElementsAre(HasSubstr(" and 36 more")));
  EXPECT_EQ(Problem(), "");
}

TEST_F(OnloadSourceTest, AnInstallationBehindALinkIsFoundAndGivenByItsName) {
  GoodNode();
  std::filesystem::rename(node_.path() / "opt/onload", node_.Under("opt/onload-8.1"));
  std::filesystem::create_directory_symlink("/opt/onload-8.1", node_.path() / "opt/onload");
  const Inventory inventory = Scan();
  EXPECT_THAT(DevicesOf(inventory).at("sfc-0").mounts,
              ElementsAre(DeviceMount{"/opt/onload/usr/lib64/libonload.so", "", true}));
  EXPECT_TRUE(inventory.directories.contains(node_.path() / "opt/onload-8.1/usr/lib64"));
}

TEST_F(OnloadSourceTest, WhatComesAndGoesInItsFoldersIsAReasonToLook) {
  GoodNode();
  EXPECT_THAT(Scan({.preload = false, .mount_onload = true}).directories,
              ElementsAre(node_.path() / "dev", node_.path() / "opt/onload/usr/bin",
                          node_.path() / "opt/onload/usr/lib64"));
}

TEST_F(OnloadSourceTest, AnEntryBecomesItsSource) {
  GoodNode();
  PluginSpec spec;
  spec.resource_name = kResource;
  spec.discovery = Onload{.max = 2};
  const auto source = MakeSource(spec, HostRoot(node_.path()));
  ASSERT_TRUE(source.ok()) << source.status();
  const auto inventory = (*source)->Scan();
  ASSERT_TRUE(inventory.ok()) << inventory.status();
  EXPECT_THAT(DevicesOf(*inventory), SizeIs(2));
}

}  // namespace
}  // namespace nodedevice
