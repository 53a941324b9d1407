// Family `usb` on a fake node: a directory tree with FIFOs in the place of device nodes.
#include "plugin/discovery/usb_family.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "absl/strings/str_format.h"
#include "plugin/discovery/usb.h"
#include "tests/support/temp_dir.h"

namespace nodedevice {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr char kResource[] = "kubevirt.io/usb-storage";
constexpr char kVariable[] = "USB_RESOURCE_KUBEVIRT_IO_USB-STORAGE";

class UsbSourceTest : public ::testing::Test {
 protected:
  void Plug(const std::string& port, const std::string& vendor, const std::string& product,
            int number, const std::string& serial = "") {
    const std::string controller = "sys/devices/pci0000:00/0000:00:14.0/";
    const std::string real = controller + port;
    node_.Write(controller + "numa_node", "1\n");
    node_.Write(real + "/idVendor", vendor + "\n");
    node_.Write(real + "/idProduct", product + "\n");
    node_.Write(real + "/busnum", "1\n");
    node_.Write(real + "/devnum", std::to_string(number) + "\n");
    if (!serial.empty()) node_.Write(real + "/serial", serial + "\n");
    const auto link = node_.Under("sys/bus/usb/devices/" + port);
    if (!std::filesystem::is_symlink(link)) {
      std::filesystem::create_directory_symlink("../../../" + real.substr(4), link);
    }
    node_.MakeNode(absl::StrFormat("dev/bus/usb/001/%03d", number));
  }

  Inventory Scan(const Usb& usb, bool topology = true) {
    auto inventory = UsbSource(kResource, usb, topology, HostRoot(node_.path())).Scan();
    EXPECT_TRUE(inventory.ok()) << inventory.status();
    return inventory.value_or(Inventory{});
  }
  DeviceSet Devices(const std::vector<UsbSelector>& selectors) {
    return Scan(Usb{selectors}).resources.at(kResource);
  }
  std::vector<std::string> Ids(const std::vector<UsbSelector>& selectors) {
    std::vector<std::string> ids;
    for (const auto& [id, device] : Devices(selectors)) ids.push_back(id);
    return ids;
  }

  testing::TempDir node_;
};

TEST_F(UsbSourceTest, APluggedDeviceIsGivenWithBusAndNumber) {
  Plug("1-2", "46f4", "0001", 4, "STICK");
  const Inventory inventory = Scan(Usb{{{0x46f4, 0x0001, ""}}});
  const DeviceSet& set = inventory.resources.at(kResource);
  ASSERT_THAT(set, SizeIs(1));
  EXPECT_EQ(set.begin()->first.substr(0, 20), "usb-46f4-0001-STICK-");
  EXPECT_LE(set.begin()->first.size(), 63u);
  const Device& device = set.begin()->second;
  EXPECT_EQ(device.problem, "");
  EXPECT_THAT(device.nodes, ElementsAre(DeviceNode{"/dev/bus/usb/001/004", "", "mrw"}));
  EXPECT_THAT(device.env_items, ElementsAre(EnvItem{kVariable, "1:4"}));
  EXPECT_THAT(device.numa_nodes, ElementsAre(1));
  EXPECT_TRUE(inventory.directories.contains(node_.path() / "dev/bus/usb/001"));
  EXPECT_THAT(
      Scan(Usb{{{0x46f4, 1, ""}}}, false).resources.at(kResource).begin()->second.numa_nodes,
      IsEmpty());
}

TEST_F(UsbSourceTest, TheIdIsTheSameAfterReplugging) {
  Plug("1-2", "46f4", "0001", 4, "STICK");
  Plug("1-3", "46f4", "0001", 5);
  const auto before = Ids({{0x46f4, 1, ""}});
  node_.Remove("dev/bus/usb/001/004");
  node_.Remove("dev/bus/usb/001/005");
  Plug("1-2", "46f4", "0001", 14, "STICK");
  Plug("1-3", "46f4", "0001", 15);
  EXPECT_EQ(Ids({{0x46f4, 1, ""}}), before);
  EXPECT_EQ(Devices({{0x46f4, 1, "STICK"}}).begin()->second.env_items[0].item, "1:14");
}

TEST_F(UsbSourceTest, ADeviceIsOneOfEachSelectorAsLongAsThereAreSome) {
  Plug("1-1", "1a86", "7523", 1, "A");
  Plug("1-2", "1a86", "7523", 2, "B");
  Plug("1-3", "1a86", "7523", 3, "C");
  Plug("1-4", "0403", "6001", 4, "D");
  Plug("1-5", "0403", "6001", 5, "E");
  const DeviceSet set = Devices({{0x1a86, 0x7523, ""}, {0x0403, 0x6001, ""}});
  ASSERT_THAT(set, SizeIs(2));
  const Device& first = set.begin()->second;
  EXPECT_THAT(first.env_items, ElementsAre(EnvItem{kVariable, "1:1"}, EnvItem{kVariable, "1:4"}));
  EXPECT_THAT(first.nodes, ElementsAre(DeviceNode{"/dev/bus/usb/001/001", "", "mrw"},
                                       DeviceNode{"/dev/bus/usb/001/004", "", "mrw"}));
}

TEST_F(UsbSourceTest, TheSameSelectorTwiceTakesTwo) {
  for (int i = 1; i <= 5; ++i) Plug("1-" + std::to_string(i), "1a86", "7523", i);
  const DeviceSet set = Devices({{0x1a86, 0x7523, ""}, {0x1a86, 0x7523, ""}});
  ASSERT_THAT(set, SizeIs(2)) << "the fifth is left over";
  EXPECT_EQ(set.begin()->second.env_items[1].item, "1:2");
}

TEST_F(UsbSourceTest, OneWithASerialNumberChoosesFirst) {
  Plug("1-1", "1a86", "7523", 1, "MINE");
  Plug("1-2", "1a86", "7523", 2, "OTHER");
  const DeviceSet set = Devices({{0x1a86, 0x7523, ""}, {0x1a86, 0x7523, "MINE"}});
  ASSERT_THAT(set, SizeIs(1));
  EXPECT_EQ(set.begin()->second.env_items[0].item, "1:2");
  EXPECT_EQ(set.begin()->second.env_items[1].item, "1:1");
}

TEST_F(UsbSourceTest, CheapOnesWithOneSerialNumberAreToldApart) {
  Plug("1-1", "1a86", "7523", 1, "0000");
  Plug("1-2", "1a86", "7523", 2, "0000");
  EXPECT_THAT(Ids({{0x1a86, 0x7523, ""}}), SizeIs(2));
}

TEST_F(UsbSourceTest, ABusIsNoDevice) {
  Plug("usb1", "1d6b", "0002", 1, "0000:00:14.0");
  Plug("1-1", "1d6b", "0002", 2);
  const DeviceSet set = Devices({{0x1d6b, 0x0002, ""}});
  ASSERT_THAT(set, SizeIs(1));
  EXPECT_EQ(set.begin()->second.env_items[0].item, "1:2");
}

TEST_F(UsbSourceTest, WithoutItsNodeItIsUnhealthy) {
  Plug("1-1", "1a86", "7523", 1, "A");
  Plug("1-2", "1a86", "7523", 2, "B");
  node_.Remove("dev/bus/usb/001/002");
  const DeviceSet set = Devices({{0x1a86, 0x7523, ""}});
  ASSERT_THAT(set, SizeIs(2));
  EXPECT_EQ(set.begin()->second.problem, "");
  EXPECT_EQ(set.rbegin()->second.problem, "/dev/bus/usb/001/002: No such file or directory");
}

TEST_F(UsbSourceTest, ASelectorWithoutADeviceIsANote) {
  Plug("1-1", "1a86", "7523", 1, "A");
  const Inventory inventory = Scan(Usb{{{0x1a86, 0x7523, ""}, {0x0403, 0x6001, "X"}}});
  EXPECT_THAT(inventory.resources.at(kResource), IsEmpty());
  EXPECT_THAT(inventory.notes,
              ElementsAre("no USB device 0403:6001 with serial number X is plugged"));
}

}  // namespace
}  // namespace nodedevice
