// Family `pci` on a fake node: a directory tree with FIFOs in the place of device nodes.
#include "plugin/discovery/pci.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "absl/strings/str_format.h"
#include "plugin/allocation.h"
#include "plugin/discovery/env_name.h"
#include "plugin/discovery/pci_match.h"
#include "tests/support/fake_pci_bus.h"
#include "tests/support/temp_dir.h"

namespace nodedevice {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Key;
using ::testing::Pair;
using ::testing::SizeIs;

constexpr char kResource[] = "intel.com/x710-nic";

class PciSourceTest : public ::testing::Test {
 protected:
  Inventory Scan(const Pci& pci, bool topology = true) {
    auto inventory = PciSource(kResource, pci, topology, HostRoot(node_.path())).Scan();
    EXPECT_TRUE(inventory.ok()) << inventory.status();
    return inventory.value_or(Inventory{});
  }
  Inventory Scan(const PciSelector& selector) { return Scan(Pci{.selectors = {selector}}); }
  DeviceSet Devices(const Pci& pci) { return Scan(pci).resources.at(kResource); }
  DeviceSet Devices(const PciSelector& selector) { return Scan(selector).resources.at(kResource); }

  std::vector<std::string> Ids(const PciSelector& selector) {
    std::vector<std::string> ids;
    for (const auto& [id, device] : Devices(selector)) ids.push_back(id);
    return ids;
  }

  // A card whose group is ready to be given away.
  void PlugReady(const std::string& address, const std::string& group,
                 const std::string& numa = "-1") {
    bus_.Plug({.address = address, .driver = "vfio-pci", .group = group, .numa = numa});
    bus_.MakeGroupNode(group);
  }

  testing::TempDir node_;
  testing::FakePciBus bus_{node_};
};

TEST_F(PciSourceTest, AFunctionBoundToVfioIsGivenWithItsGroupAndItsAddress) {
  PlugReady("0000:3b:00.0", "42", "1");
  const Inventory inventory = Scan({.vendor = 0x8086, .device = 0x1572});
  const DeviceSet& set = inventory.resources.at(kResource);
  ASSERT_THAT(set, ElementsAre(Key("0000:3b:00.0")));
  const Device& device = set.begin()->second;
  EXPECT_EQ(device.problem, "");
  EXPECT_THAT(device.nodes, ElementsAre(DeviceNode{"/dev/vfio/vfio", "", "mrw"},
                                        DeviceNode{"/dev/vfio/42", "", "mrw"}));
  EXPECT_THAT(device.env_items,
              ElementsAre(EnvItem{"PCI_RESOURCE_INTEL_COM_X710-NIC", "0000:3b:00.0"},
                          EnvItem{"PCIDEVICE_INTEL_COM_X710_NIC", "0000:3b:00.0"}));
  EXPECT_THAT(device.numa_nodes, ElementsAre(1));
  EXPECT_EQ(device.pci_root, 0x3a + 1u);
  EXPECT_THAT(inventory.directories,
              ElementsAre(node_.path() / "dev/vfio", node_.path() / "dev/vfio/devices"));
  EXPECT_THAT(inventory.notes, IsEmpty());
}

TEST_F(PciSourceTest, TwoDevicesOfAContainerAreOneListAndTheCommonNodeOnce) {
  PlugReady("0000:3b:00.0", "42");
  PlugReady("0000:3c:00.0", "43");
  PluginSpec spec;
  spec.resource_name = kResource;
  const Announcement offered{
      .devices = Devices({.vendor = 0x8086}), .replicas = 1, .withdrawn = false};
  const auto answer = AnswerContainer(offered, spec, {"0000:3c:00.0", "0000:3b:00.0"});
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_THAT(answer->envs,
              ElementsAre(Pair("PCIDEVICE_INTEL_COM_X710_NIC", "0000:3b:00.0,0000:3c:00.0"),
                          Pair("PCI_RESOURCE_INTEL_COM_X710-NIC", "0000:3b:00.0,0000:3c:00.0")));
  EXPECT_THAT(answer->nodes, ElementsAre(DeviceNode{"/dev/vfio/vfio", "", "mrw"},
                                         DeviceNode{"/dev/vfio/42", "", "mrw"},
                                         DeviceNode{"/dev/vfio/43", "", "mrw"}));
}

TEST_F(PciSourceTest, NodesOfTheNewerWayAreGivenWhenTheyAreThere) {
  PlugReady("0000:3b:00.0", "42");
  std::filesystem::create_directories(node_.Under(bus_.Of("0000:3b:00.0", "vfio-dev/vfio7")));
  EXPECT_THAT(Devices({.vendor = 0x8086}).begin()->second.nodes, SizeIs(2));
  node_.MakeNode("dev/vfio/devices/vfio7");
  const Device device = Devices({.vendor = 0x8086}).begin()->second;
  ASSERT_THAT(device.nodes, SizeIs(3));
  EXPECT_EQ(device.nodes[2], (DeviceNode{"/dev/vfio/devices/vfio7", "", "mrw"}));
}

TEST_F(PciSourceTest, SelectedFunctionsOfOneGroupAreOneDevice) {
  PlugReady("0000:3b:00.1", "42");
  PlugReady("0000:3b:00.0", "42", "0");
  PlugReady("0000:3c:00.0", "43");
  const DeviceSet set = Devices({.vendor = 0x8086});
  ASSERT_THAT(set, ElementsAre(Key("0000:3b:00.0"), Key("0000:3c:00.0")));
  const Device& pair = set.begin()->second;
  EXPECT_TRUE(pair.healthy());
  ASSERT_THAT(pair.env_items, SizeIs(4));
  EXPECT_EQ(pair.env_items[0].item, "0000:3b:00.0");
  EXPECT_EQ(pair.env_items[2].item, "0000:3b:00.1");
  EXPECT_THAT(pair.nodes, SizeIs(2));
}

TEST_F(PciSourceTest, AnotherFunctionOfTheGroupWithADriverOfTheHostKeepsItBack) {
  PlugReady("0000:3b:00.0", "42");
  bus_.Plug({.address = "0000:3b:00.1",
             .device = "10f7",
             .class_code = "040300",
             .driver = "snd_hda_intel",
             .group = "42"});
  const PciSelector nic{.device = 0x1572};
  EXPECT_EQ(Devices(nic).at("0000:3b:00.0").problem,
            "0000:3b:00.1 of the same IOMMU group 42 has the driver snd_hda_intel, and the kernel "
            "gives a group away only as a whole: bind it to vfio-pci, too");
  for (const char* free : {"", "vfio-pci", "mlx5_vfio_pci", "pci-stub", "pcieport"}) {
    bus_.Bind("0000:3b:00.1", free);
    const Device device = Devices(nic).at("0000:3b:00.0");
    EXPECT_EQ(device.problem, "") << free;
    EXPECT_THAT(device.env_items, SizeIs(2)) << "only what is selected is told";
  }
}

TEST_F(PciSourceTest, ABridgeOfTheGroupDoesNotKeepItBackAndIsNeverSelected) {
  PlugReady("0000:3b:00.0", "42");
  bus_.Plug({.address = "0000:3a:01.0", .class_code = "060400", .driver = "shpchp", .group = "42"});
  const DeviceSet set = Devices({.vendor = 0x8086});
  ASSERT_THAT(set, ElementsAre(Key("0000:3b:00.0")));
  EXPECT_TRUE(set.begin()->second.healthy());
}

TEST_F(PciSourceTest, WithoutTheDriverItIsUnhealthy) {
  bus_.Plug({.address = "0000:3b:00.0", .driver = "i40e", .group = "42"});
  bus_.MakeGroupNode("42");
  EXPECT_EQ(Devices({.vendor = 0x8086}).begin()->second.problem,
            "0000:3b:00.0 has the driver i40e instead of vfio-pci");
  bus_.Bind("0000:3b:00.0", "");
  EXPECT_EQ(Devices({.vendor = 0x8086}).begin()->second.problem,
            "0000:3b:00.0 has no driver instead of vfio-pci");
}

TEST_F(PciSourceTest, AnotherDriverOfVfioCanBeWanted) {
  bus_.Plug({.address = "0000:3b:00.0", .driver = "mlx5_vfio_pci", .group = "42"});
  bus_.MakeGroupNode("42");
  const Pci pci{.selectors = {{.vendor = 0x8086}}, .driver = "mlx5_vfio_pci"};
  EXPECT_EQ(Devices(pci).begin()->second.problem, "");
  EXPECT_THAT(Devices(pci).begin()->second.nodes, SizeIs(2));
}

TEST_F(PciSourceTest, AVirtualGpuInTheHandsOfNvidiasDriverIsReady) {
  bus_.Plug({.address = "0000:3b:00.4", .vendor = "10de", .driver = "nvidia", .group = "42"});
  bus_.MakeGroupNode("42");
  const PciSelector gpu{.vendor = 0x10de};
  const auto problem = [&] { return Devices(gpu).begin()->second.problem; };
  EXPECT_EQ(problem(), "0000:3b:00.4 has the driver nvidia instead of vfio-pci");
  node_.Write(bus_.Of("0000:3b:00.4", "nvidia/current_vgpu_type"), "0\n");
  EXPECT_EQ(problem(), "0000:3b:00.4 has the driver nvidia instead of vfio-pci");
  node_.Write(bus_.Of("0000:3b:00.4", "nvidia/current_vgpu_type"), "558\n");
  EXPECT_EQ(problem(), "");
  node_.Write(bus_.Of("0000:3b:00.4", "sriov_totalvfs"), "16\n");  // it is the whole card
  EXPECT_EQ(problem(), "0000:3b:00.4 has the driver nvidia instead of vfio-pci");
}

TEST_F(PciSourceTest, WithoutAnIommuItSaysWhatToDo) {
  bus_.Plug({.address = "0000:3b:00.0", .driver = "vfio-pci"});
  EXPECT_EQ(Devices({.vendor = 0x8086}).begin()->second.problem,
            "0000:3b:00.0 is in no IOMMU group: is the IOMMU switched on in the firmware, and by "
            "the kernel argument intel_iommu=on or amd_iommu=on?");
}

TEST_F(PciSourceTest, TheNodesOfTheGroupMustBeThere) {
  bus_.Plug({.address = "0000:3b:00.0", .driver = "vfio-pci", .group = "42"});
  const auto problem = [this] { return Devices({.vendor = 0x8086}).begin()->second.problem; };
  EXPECT_EQ(problem(), "/dev/vfio/vfio: No such file or directory");
  bus_.MakeGroupNode("42");
  EXPECT_EQ(problem(), "");
  node_.Remove("dev/vfio/42");
  EXPECT_EQ(problem(), "/dev/vfio/42: No such file or directory");
  node_.Write("dev/vfio/42", "oops");
  EXPECT_EQ(problem(), "/dev/vfio/42 is a file, not a device node");
}

TEST_F(PciSourceTest, AGroupOfNoIommuHasAnotherNode) {
  bus_.Plug({.address = "0000:3b:00.0", .driver = "vfio-pci", .group = "0"});
  node_.Write("sys/kernel/iommu_groups/0/name", "vfio-noiommu\n");
  bus_.MakeGroupNode("noiommu-0");
  const Device device = Devices({.vendor = 0x8086}).begin()->second;
  EXPECT_EQ(device.problem, "");
  EXPECT_EQ(device.nodes[1].host_path, "/dev/vfio/noiommu-0");
}

TEST_F(PciSourceTest, NumaNodes) {
  PlugReady("0000:3b:00.0", "42", "0");
  PlugReady("0000:3c:00.0", "43", "-1");
  const DeviceSet set = Devices({.vendor = 0x8086});
  EXPECT_THAT(set.at("0000:3b:00.0").numa_nodes, ElementsAre(0));
  EXPECT_THAT(set.at("0000:3c:00.0").numa_nodes, IsEmpty());
  const Inventory untold = Scan(Pci{.selectors = {{.vendor = 0x8086}}}, /*topology=*/false);
  EXPECT_THAT(untold.resources.at(kResource).at("0000:3b:00.0").numa_nodes, IsEmpty());
}

TEST_F(PciSourceTest, SelectorsAskForEveryFieldTheyHave) {
  bus_.Plug({.address = "0000:3b:00.0", .driver = "i40e", .group = "1"});
  bus_.Plug({.address = "0000:3b:00.1", .driver = "vfio-pci", .group = "2"});
  bus_.Plug({.address = "0000:5e:00.0",
             .vendor = "10de",
             .device = "1eb8",
             .class_code = "030200",
             .driver = "vfio-pci",
             .group = "3"});
  EXPECT_THAT(Ids({.vendor = 0x8086}), ElementsAre("0000:3b:00.0", "0000:3b:00.1"));
  EXPECT_THAT(Ids({.vendor = 0x8086, .device = 0x1eb8}), IsEmpty());
  EXPECT_THAT(Ids({.device = 0x1eb8}), ElementsAre("0000:5e:00.0"));
  EXPECT_THAT(Ids({.class_prefix = "03"}), ElementsAre("0000:5e:00.0"));
  EXPECT_THAT(Ids({.class_prefix = "020000"}), ElementsAre("0000:3b:00.0", "0000:3b:00.1"));
  EXPECT_THAT(Ids({.driver = "vfio-pci"}), ElementsAre("0000:3b:00.1", "0000:5e:00.0"));
  EXPECT_THAT(Ids({.address = "0000:3b:*.1"}), ElementsAre("0000:3b:00.1"));
  EXPECT_THAT(Ids({.address = "*:*:*.?"}), SizeIs(3));
  EXPECT_THAT(Devices(Pci{.selectors = {{.vendor = 0x10de}, {.address = "0000:3b:00.0"}}}),
              ElementsAre(Key("0000:3b:00.0"), Key("0000:5e:00.0")));
}

TEST_F(PciSourceTest, VirtualFunctionsOfAPhysicalOne) {
  bus_.Plug({.address = "0000:3b:00.0", .driver = "i40e", .group = "1"});
  std::filesystem::create_directories(node_.Under(bus_.Of("0000:3b:00.0", "net/ens1f0")));
  for (int i = 0; i < 4; ++i) {
    const std::string address = absl::StrFormat("0000:3b:02.%d", i);
    PlugReady(address, std::to_string(10 + i));
    bus_.MakeVirtual("0000:3b:00.0", address, i);
  }
  EXPECT_THAT(Ids({.virtual_function = true}), SizeIs(4));
  EXPECT_THAT(Ids({.virtual_function = false}), ElementsAre("0000:3b:00.0"));
  EXPECT_THAT(Ids({.pf_names = {{"ens1f0", {}}}}), SizeIs(4));
  EXPECT_THAT(Ids({.pf_names = {{"ens1f1", {}}}}), IsEmpty());
  EXPECT_THAT(Ids({.pf_names = {{"ens1f0", {{0, 0}, {2, 3}}}}}),
              ElementsAre("0000:3b:02.0", "0000:3b:02.2", "0000:3b:02.3"));
  EXPECT_THAT(Ids({.root_devices = {{"0000:3b:00.0", {{1, 2}}}}}),
              ElementsAre("0000:3b:02.1", "0000:3b:02.2"));
  EXPECT_THAT(Ids({.root_devices = {{"0000:3b:00.1", {}}}}), IsEmpty());
}

TEST_F(PciSourceTest, WithADriverOfTheHostEachFunctionIsADevice) {
  bus_.Plug({.address = "0000:3b:02.0", .driver = "iavf", .group = "42"});
  bus_.Plug({.address = "0000:3b:02.1", .driver = "iavf", .group = "42"});
  const Pci pci{.selectors = {{.vendor = 0x8086}}, .driver = "iavf"};
  const DeviceSet set = Devices(pci);
  ASSERT_THAT(set, ElementsAre(Key("0000:3b:02.0"), Key("0000:3b:02.1")));
  for (const auto& [id, device] : set) {
    EXPECT_EQ(device.problem, "");
    EXPECT_THAT(device.nodes, IsEmpty());
    EXPECT_EQ(device.env_items[1], (EnvItem{"PCIDEVICE_INTEL_COM_X710_NIC", id}));
  }
  bus_.Bind("0000:3b:02.0", "vfio-pci");
  EXPECT_EQ(Devices(pci).at("0000:3b:02.0").problem,
            "0000:3b:02.0 has the driver vfio-pci instead of iavf");
}

TEST_F(PciSourceTest, UioGivesItsNode) {
  bus_.Plug({.address = "0000:3b:02.0", .driver = "igb_uio"});
  std::filesystem::create_directories(node_.Under(bus_.Of("0000:3b:02.0", "uio/uio3")));
  const Pci pci{.selectors = {{.vendor = 0x8086}}, .driver = "igb_uio"};
  EXPECT_EQ(Devices(pci).begin()->second.problem, "/dev/uio3: No such file or directory");
  EXPECT_THAT(Scan(pci).directories, ElementsAre(node_.path() / "dev"));
  node_.MakeNode("dev/uio3");
  EXPECT_EQ(Devices(pci).begin()->second.problem, "");
  EXPECT_THAT(Devices(pci).begin()->second.nodes, ElementsAre(DeviceNode{"/dev/uio3", "", "mrw"}));
}

TEST_F(PciSourceTest, TheIdStaysWhenTheGroupGetsAnotherNumber) {
  PlugReady("0000:3b:00.0", "42");
  const auto before = Ids({.vendor = 0x8086});
  std::filesystem::remove(node_.Under(bus_.Of("0000:3b:00.0", "iommu_group")));
  std::filesystem::create_directory_symlink("../../../kernel/iommu_groups/7",
                                            node_.Under(bus_.Of("0000:3b:00.0", "iommu_group")));
  bus_.MakeGroupNode("7");
  EXPECT_EQ(Ids({.vendor = 0x8086}), before);
  EXPECT_EQ(Devices({.vendor = 0x8086}).begin()->second.nodes[1].host_path, "/dev/vfio/7");
}

// With `bind` it is prepared when a container starts.
class PciBindTest : public PciSourceTest {
 protected:
  PciBindTest() {
    bus_.Plug({.address = "0000:3b:00.0", .driver = "i40e", .group = "42"});
    node_.MakeNode("dev/vfio/vfio");
    std::filesystem::create_directories(node_.Under("sys/bus/pci/drivers/vfio-pci"));
  }

  Device Only() {
    const DeviceSet set =
        Devices(Pci{.selectors = {{.vendor = 0x8086}}, .driver = "vfio-pci", .bind = true});
    EXPECT_THAT(set, ElementsAre(Key("0000:3b:00.0")));
    return set.begin()->second;
  }
};

TEST_F(PciBindTest, AFunctionWithADriverOfTheHostIsReadyToBeBound) {
  const Device before = Only();
  EXPECT_EQ(before.problem, "");
  EXPECT_THAT(before.nodes, ElementsAre(DeviceNode{"/dev/vfio/vfio", "", "mrw"},
                                        DeviceNode{"/dev/vfio/42", "", "mrw"}));
  bus_.Bind("0000:3b:00.0", "vfio-pci");
  bus_.MakeGroupNode("42");
  std::filesystem::create_directories(node_.Under(bus_.Of("0000:3b:00.0", "vfio-dev/vfio7")));
  node_.MakeNode("dev/vfio/devices/vfio7");
  EXPECT_EQ(Only(), before) << "the kubelet is told nothing new";
}

TEST_F(PciBindTest, ABoundFunctionNeedsItsNode) {
  bus_.Bind("0000:3b:00.0", "vfio-pci");
  EXPECT_EQ(Only().problem, "/dev/vfio/42: No such file or directory");
}

TEST_F(PciBindTest, TheDriverMustBeLoaded) {
  node_.Remove("sys/bus/pci/drivers/vfio-pci");
  EXPECT_EQ(Only().problem,
            "the driver vfio-pci is not there: load its module, at boot by "
            "spec.nodePreparation.kernelModules");
}

TEST_F(PciBindTest, WhatTheHostNeedsIsUnhealthy) {
  const std::string interface = bus_.Of("0000:3b:00.0", "net/eno1");
  node_.Write(interface + "/operstate", "up\n");
  std::filesystem::create_directory_symlink("../../devices/pci0000:3a/0000:3b:00.0/net/eno1",
                                            node_.Under("sys/class/net/eno1"));
  EXPECT_EQ(Only().problem, "0000:3b:00.0 is needed by the host: its network interface eno1 is up");
  node_.Write(interface + "/operstate", "down\n");
  EXPECT_EQ(Only().problem, "");
}

TEST_F(PciBindTest, AnotherOfTheGroupIsBoundToo) {
  bus_.Plug({.address = "0000:3b:00.1", .vendor = "10de", .driver = "nouveau", .group = "42"});
  EXPECT_EQ(Only().problem, "");
}

TEST_F(PciBindTest, WithoutAnIommuNothingCanBeBound) {
  bus_.Unplug("0000:3b:00.0");
  bus_.Plug({.address = "0000:3b:00.0", .driver = "i40e"});
  EXPECT_THAT(Only().problem, HasSubstr("0000:3b:00.0 is in no IOMMU group"));
}

TEST_F(PciSourceTest, OnlyWithBindThereIsAPreparer) {
  for (const bool bind : {false, true}) {
    const Pci pci{.selectors = {{.vendor = 0x8086}}, .driver = "vfio-pci", .bind = bind};
    EXPECT_EQ(PciSource(kResource, pci, true, HostRoot(node_.path())).MakePreparer() != nullptr,
              bind);
  }
}

TEST_F(PciSourceTest, NothingFoundIsANote) {
  const Inventory inventory = Scan({.vendor = 0x8086,
                                    .class_prefix = "02",
                                    .pf_names = {{"ens1f0", {{0, 3}, {7, 7}}}},
                                    .virtual_function = true});
  EXPECT_THAT(inventory.resources.at(kResource), IsEmpty());
  EXPECT_THAT(inventory.notes, ElementsAre("no PCI device has vendor 8086, class 02, pfNames "
                                           "ens1f0#0-3,7, virtualFunction true"));
}

TEST_F(PciSourceTest, GarbageIsLeftOutAndHarmsNothingElse) {
  PlugReady("0000:3b:00.0", "42");
  node_.Write("sys/bus/pci/devices/0000:01:00.0/uevent", std::string(100'000, 'x'));
  node_.Write("sys/bus/pci/devices/0000:02:00.0/uevent", "PCI_ID=zz:yy\nPCI_CLASS=\n=\n\n");
  node_.Write("sys/bus/pci/devices/0000:03:00.0/vendor", "0x8086\n");
  std::filesystem::create_symlink("nowhere", node_.Under("sys/bus/pci/devices/0000:04:00.0"));
  std::filesystem::create_symlink("0000:05:00.0", node_.Under("sys/bus/pci/devices/0000:05:00.0"));
  node_.Write("sys/bus/pci/devices/a file", "x");
  EXPECT_THAT(Ids({.address = "*:*:*.*"}), ElementsAre("0000:3b:00.0"));
}

TEST_F(PciSourceTest, NumbersAreReadWithoutUevent) {
  PlugReady("0000:3b:00.0", "42");
  node_.Remove(bus_.Of("0000:3b:00.0", "uevent"));
  EXPECT_THAT(Ids({.vendor = 0x8086, .device = 0x1572, .class_prefix = "0200"}), SizeIs(1));
}

// Eight of a group share the folder that they lead to, for the sake of the disk.
TEST_F(PciSourceTest, FourThousandFunctions) {
  const auto bus = node_.Under("sys/bus/pci/devices/x").parent_path();
  for (int group = 0; group < 512; ++group) {
    const auto folder = node_.Under(absl::StrFormat("sys/devices/%d/uevent", group)).parent_path();
    std::ofstream(folder / "uevent") << "PCI_CLASS=20000\nPCI_ID=8086:1572\n";
    std::filesystem::create_symlink(group == 9 ? "drivers/i40e" : "drivers/vfio-pci",
                                    folder / "driver");
    std::filesystem::create_symlink(absl::StrFormat("iommu_groups/%d", group),
                                    folder / "iommu_group");
    bus_.MakeGroupNode(std::to_string(group));
    for (int function = 0; function < 8; ++function) {
      std::filesystem::create_symlink(
          absl::StrFormat("../../../devices/%d", group),
          bus / absl::StrFormat("0000:%02x:%02x.%d", group / 32, group % 32, function));
    }
  }
  const DeviceSet set = Devices({.vendor = 0x8086});
  ASSERT_THAT(set, SizeIs(512));
  for (const auto& [id, device] : set) {
    EXPECT_EQ(device.healthy(), id != "0000:00:09.0") << id << device.problem;
    EXPECT_THAT(device.env_items, SizeIs(16));
  }
}

TEST(EnvNameTest, AreThoseThatOthersLookFor) {
  EXPECT_EQ(KubeVirtVariable("PCI_RESOURCE", "nvidia.com/TU104GL_Tesla-T4"),
            "PCI_RESOURCE_NVIDIA_COM_TU104GL_TESLA-T4");
  EXPECT_EQ(SriovVariable("openshift.io/dpdk-nic.1"), "PCIDEVICE_OPENSHIFT_IO_DPDK_NIC_1");
}

}  // namespace
}  // namespace nodedevice
