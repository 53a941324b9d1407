// Family `mdev` on a fake node: a directory tree with FIFOs in the place of device nodes.
#include "plugin/discovery/mdev.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>

#include "plugin/discovery/mdev_plan.h"
#include "tests/support/fake_pci_bus.h"
#include "tests/support/temp_dir.h"

namespace nodedevice {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Key;
using ::testing::Pair;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

constexpr char kResource[] = "nvidia.com/GRID_T4-1Q";
constexpr char kFirst[] = "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001";
constexpr char kSecond[] = "93b8f4f2-509f-382f-3c1e-e6bfe0fa1002";

class MdevSourceTest : public ::testing::Test {
 protected:
  MdevSourceTest() {
    bus_.Plug({.address = "0000:3b:00.0", .vendor = "10de", .driver = "nvidia", .numa = "1"});
    bus_.Plug({.address = "0000:5e:00.0", .vendor = "10de", .driver = "nvidia"});
  }

  void Make(const std::string& uuid, const std::string& parent, const std::string& type,
            const std::string& type_name, const std::string& group) {
    const std::string folder = "sys/devices/pci0000:3a/" + parent + "/" + uuid;
    const std::string types = "sys/devices/pci0000:3a/" + parent + "/mdev_supported_types/";
    if (!type_name.empty()) {
      node_.Write(types + type + "/name", type_name + "\n");
    } else {
      std::filesystem::create_directories(node_.Under(types + type));
    }
    Link("../mdev_supported_types/" + type, folder + "/mdev_type");
    if (!group.empty()) {
      std::filesystem::create_directories(node_.Under("sys/kernel/iommu_groups/" + group));
      Link("../../../../kernel/iommu_groups/" + group, folder + "/iommu_group");
      bus_.MakeGroupNode(group);
    }
    Link("../../../devices/pci0000:3a/" + parent + "/" + uuid, "sys/bus/mdev/devices/" + uuid);
  }
  void Link(const std::string& target, const std::string& link) {
    std::filesystem::create_directory_symlink(target, node_.Under(link));
  }

  Inventory Scan(const Mdev& mdev, bool topology = true) {
    auto inventory = MdevSource(kResource, mdev, topology, HostRoot(node_.path())).Scan();
    EXPECT_TRUE(inventory.ok()) << inventory.status();
    return inventory.value_or(Inventory{});
  }
  DeviceSet Devices(const MdevSelector& selector) {
    return Scan(Mdev{{selector}}).resources.at(kResource);
  }

  testing::TempDir node_;
  testing::FakePciBus bus_{node_};
};

TEST_F(MdevSourceTest, ADeviceIsGivenWithItsGroupAndItsUuid) {
  Make(kFirst, "0000:3b:00.0", "nvidia-222", "GRID T4-1Q", "90");
  const Inventory inventory = Scan(Mdev{{{.type = "GRID_T4-1Q"}}});
  const DeviceSet& set = inventory.resources.at(kResource);
  ASSERT_THAT(set, ElementsAre(Key(kFirst)));
  const Device& device = set.begin()->second;
  EXPECT_EQ(device.problem, "");
  EXPECT_THAT(device.nodes, ElementsAre(DeviceNode{"/dev/vfio/vfio", "", "mrw"},
                                        DeviceNode{"/dev/vfio/90", "", "mrw"}));
  EXPECT_THAT(device.env_items,
              ElementsAre(EnvItem{"MDEV_PCI_RESOURCE_NVIDIA_COM_GRID_T4-1Q", kFirst}));
  EXPECT_THAT(device.numa_nodes, ElementsAre(1)) << "the parent's";
  EXPECT_EQ(device.pci_root, 0x3a + 1u);
  EXPECT_THAT(inventory.directories,
              ElementsAre(node_.path() / "dev/vfio", node_.path() / "dev/vfio/devices"));
}

TEST_F(MdevSourceTest, ATypeIsMeantByItsNameWithOrWithoutSpacesOrByItsId) {
  Make(kFirst, "0000:3b:00.0", "nvidia-222", "GRID T4-1Q", "90");
  Make(kSecond, "0000:3b:00.0", "i915-GVTg_V5_4", "", "91");
  EXPECT_THAT(Devices({.type = "GRID T4-1Q"}), ElementsAre(Key(kFirst)));
  EXPECT_THAT(Devices({.type = "GRID_T4-1Q"}), ElementsAre(Key(kFirst)));
  EXPECT_THAT(Devices({.type = "nvidia-222"}), ElementsAre(Key(kFirst)));
  EXPECT_THAT(Devices({.type = "i915-GVTg_V5_4"}), ElementsAre(Key(kSecond)));
  EXPECT_THAT(Devices({.type = "GRID T4-2Q"}), IsEmpty());
}

TEST_F(MdevSourceTest, SelectorsAskForEveryFieldTheyHave) {
  Make(kFirst, "0000:3b:00.0", "nvidia-222", "GRID T4-1Q", "90");
  Make(kSecond, "0000:5e:00.0", "nvidia-222", "GRID T4-1Q", "91");
  EXPECT_THAT(Devices({.type = "nvidia-222"}), SizeIs(2));
  EXPECT_THAT(Devices({.parent = "0000:5e:00.0"}), ElementsAre(Key(kSecond)));
  EXPECT_THAT(Devices({.parent = "0000:*"}), SizeIs(2));
  EXPECT_THAT(Devices({.uuid = kFirst}), ElementsAre(Key(kFirst)));
  EXPECT_THAT(Devices({.uuid = kFirst, .parent = "0000:5e:00.0"}), IsEmpty());
  EXPECT_THAT(Scan(Mdev{{{.uuid = kFirst}, {.uuid = kSecond}}}).resources.at(kResource), SizeIs(2));
}

TEST_F(MdevSourceTest, WithoutItsNodeOrGroupItIsUnhealthy) {
  Make(kFirst, "0000:3b:00.0", "nvidia-222", "GRID T4-1Q", "90");
  Make(kSecond, "0000:3b:00.0", "nvidia-222", "GRID T4-1Q", "");
  node_.Remove("dev/vfio/90");
  const DeviceSet set = Devices({.type = "nvidia-222"});
  EXPECT_EQ(set.at(kFirst).problem, "/dev/vfio/90: No such file or directory");
  EXPECT_EQ(set.at(kSecond).problem,
            std::string(kSecond) + " is in no IOMMU group: has it a driver of vfio?");
}

TEST_F(MdevSourceTest, NumaNodesAreNotToldWithoutTopology) {
  Make(kFirst, "0000:3b:00.0", "nvidia-222", "GRID T4-1Q", "90");
  EXPECT_THAT(Scan(Mdev{{{.uuid = kFirst}}}, false).resources.at(kResource).at(kFirst).numa_nodes,
              IsEmpty());
}

TEST_F(MdevSourceTest, NothingFoundIsANote) {
  const Inventory inventory = Scan(Mdev{{{.type = "GRID T4-1Q", .parent = "0000:3b:*"}}});
  EXPECT_THAT(inventory.resources.at(kResource), IsEmpty());
  EXPECT_THAT(inventory.notes,
              ElementsAre("no mediated device has type GRID T4-1Q, parent 0000:3b:*"));
}

// So that no further pod gets it before it is removed.
TEST_F(MdevSourceTest, WhatTheEntryMadeAndAsksForNoLongerIsUnhealthy) {
  const std::string first = MdevUuid(kResource, "0000:3b:00.0", "nvidia-222", 0);
  const std::string second = MdevUuid(kResource, "0000:3b:00.0", "nvidia-222", 1);
  Make(first, "0000:3b:00.0", "nvidia-222", "GRID T4-1Q", "90");
  Make(second, "0000:3b:00.0", "nvidia-222", "GRID T4-1Q", "91");
  Make(kFirst, "0000:3b:00.0", "nvidia-222", "GRID T4-1Q", "92");
  const auto problems = [&](const std::vector<MdevCreation>& create) {
    std::map<std::string, std::string> all;
    const Mdev mdev{.selectors = {{.type = "nvidia-222"}}, .create = create};
    const Inventory inventory = Scan(mdev);
    for (const auto& [id, device] : inventory.resources.at(kResource)) all[id] = device.problem;
    return all;
  };
  EXPECT_THAT(problems({{.type = "GRID T4-1Q", .count = 1}}),
              UnorderedElementsAre(Pair(first, ""), Pair(kFirst, ""),
                                   Pair(second,
                                        "is removed when no pod has it: the entry asks for 1 of "
                                        "type GRID T4-1Q only")));
  EXPECT_THAT(problems({}),
              UnorderedElementsAre(Pair(first, ""), Pair(second, ""), Pair(kFirst, "")))
      << "an entry that makes none has none of its own";
}

TEST_F(MdevSourceTest, OnlyAnEntryThatAsksForDevicesMakesSome) {
  const HostRoot host(node_.path());
  const Mdev selects{.selectors = {{.type = "a"}}};
  EXPECT_EQ(MdevSource(kResource, selects, true, host).MakeMaker(), nullptr);
  const Mdev makes{.selectors = {{.type = "a"}}, .create = {{.type = "a"}}};
  EXPECT_NE(MdevSource(kResource, makes, true, host).MakeMaker(), nullptr);
}

TEST_F(MdevSourceTest, GarbageIsLeftOut) {
  Make(kFirst, "0000:3b:00.0", "nvidia-222", "GRID T4-1Q", "90");
  std::filesystem::create_symlink("nowhere", node_.Under("sys/bus/mdev/devices/dangling"));
  node_.Write("sys/bus/mdev/devices/file", "x");
  std::filesystem::create_directories(node_.Under("sys/bus/mdev/devices/without-a-type"));
  std::filesystem::create_directories(
      node_.Under("sys/bus/mdev/devices/" + std::string(200, 'x') + "/mdev_type"));
  EXPECT_THAT(Devices({.parent = "*"}), ElementsAre(Key(kFirst)));
}

}  // namespace
}  // namespace nodedevice
