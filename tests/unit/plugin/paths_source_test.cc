// Family `paths` on a fake node: a directory tree with FIFOs in the place of device nodes.
#include "plugin/discovery/paths.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "plugin/discovery/registry.h"
#include "plugin/discovery/usb.h"
#include "tests/support/temp_dir.h"

namespace nodedevice {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr char kResource[] = "example.com/thing";

PathRule Rule(const std::string& pattern, const std::string& container = "") {
  PathRule rule;
  rule.pattern = pattern;
  rule.container_path = container;
  return rule;
}

class PathsSourceTest : public ::testing::Test {
 protected:
  Inventory Scan(const PathGroup& group) {
    auto inventory = PathsSource(kResource, Paths{{group}}, true, HostRoot(node_.path())).Scan();
    EXPECT_TRUE(inventory.ok()) << inventory.status();
    return inventory.value_or(Inventory{});
  }
  static std::vector<Device> Devices(const Inventory& inventory) {
    std::vector<Device> devices;
    for (const auto& [id, device] : inventory.resources.at(kResource)) devices.push_back(device);
    return devices;
  }

  void Plug(const std::string& port, const std::string& vendor, const std::string& product, int bus,
            int number, const std::string& serial = "", int numa = -1) {
    const std::string real = "sys/devices/pci0000:00/0000:00:14.0/" + port;
    node_.Write(real + "/idVendor", vendor + "\n");
    node_.Write(real + "/idProduct", product + "\n");
    node_.Write(real + "/busnum", std::to_string(bus) + "\n");
    node_.Write(real + "/devnum", std::to_string(number) + "\n");
    if (!serial.empty()) node_.Write(real + "/serial", serial + "\n");
    if (numa >= 0) {
      node_.Write("sys/devices/pci0000:00/0000:00:14.0/numa_node", std::to_string(numa) + "\n");
    }
    std::filesystem::create_directory_symlink("../../../devices/pci0000:00/0000:00:14.0/" + port,
                                              node_.Under("sys/bus/usb/devices/" + port));
    char name[40];
    std::snprintf(name, sizeof(name), "dev/bus/usb/%03d/%03d", bus, number);
    node_.MakeNode(name);
  }

  testing::TempDir node_;
};

TEST_F(PathsSourceTest, ANodeIsGivenUnderItsOwnPathWithoutTheHostRoot) {
  node_.MakeNode("dev/fuse");
  const Inventory inventory = Scan({.paths = {Rule("/dev/fuse")}, .usb = {}});
  ASSERT_THAT(Devices(inventory), SizeIs(1));
  EXPECT_THAT(Devices(inventory)[0].nodes, ElementsAre(DeviceNode{"/dev/fuse", "", "rw"}));
  EXPECT_TRUE(Devices(inventory)[0].healthy());
  EXPECT_EQ(inventory.resources.at(kResource).begin()->first.substr(0, 5), "fuse-");
  EXPECT_THAT(inventory.directories, ElementsAre(node_.path() / "dev"));
}

TEST_F(PathsSourceTest, ContainerPathIsAPathOrADirectory) {
  node_.MakeNode("dev/ttyUSB3");
  EXPECT_EQ(Devices(Scan({.paths = {Rule("/dev/ttyUSB*", "/dev/serial/")}, .usb = {}}))[0]
                .nodes[0]
                .ContainerPath(),
            "/dev/serial/ttyUSB3");
  EXPECT_EQ(Devices(Scan({.paths = {Rule("/dev/ttyUSB*", "/dev/modem")}, .usb = {}}))[0]
                .nodes[0]
                .ContainerPath(),
            "/dev/modem");
}

TEST_F(PathsSourceTest, ALinkIsFollowedButKeepsItsNameAndId) {
  node_.MakeNode("dev/ttyUSB0");
  std::filesystem::create_symlink("../../ttyUSB0", node_.Under("dev/serial/by-id/usb-modem"));
  const PathGroup group{.paths = {Rule("/dev/serial/by-id/usb-modem")}, .usb = {}};
  const Inventory before = Scan(group);
  ASSERT_THAT(Devices(before), SizeIs(1));
  EXPECT_THAT(Devices(before)[0].nodes,
              ElementsAre(DeviceNode{"/dev/ttyUSB0", "/dev/serial/by-id/usb-modem", "rw"}));
  EXPECT_TRUE(before.directories.contains(node_.path() / "dev"));

  node_.Remove("dev/serial/by-id/usb-modem");
  node_.MakeNode("dev/ttyUSB1");
  std::filesystem::create_symlink("../../ttyUSB1", node_.Under("dev/serial/by-id/usb-modem"));
  const Inventory after = Scan(group);
  EXPECT_EQ(Devices(after)[0].nodes[0].host_path, "/dev/ttyUSB1");
  EXPECT_EQ(after.resources.at(kResource).begin()->first,
            before.resources.at(kResource).begin()->first);
}

TEST_F(PathsSourceTest, ADanglingLinkIsUnhealthyWithTheReason) {
  std::filesystem::create_symlink("nowhere", node_.Under("dev/modem"));
  const Inventory inventory = Scan({.paths = {Rule("/dev/modem")}, .usb = {}});
  EXPECT_EQ(Devices(inventory)[0].problem, "/dev/nowhere: No such file or directory");
}

TEST_F(PathsSourceTest, AFileInThePlaceOfADeviceNodeIsUnhealthy) {
  node_.Write("dev/fuse", "oops");
  EXPECT_EQ(Devices(Scan({.paths = {Rule("/dev/fuse")}, .usb = {}}))[0].problem,
            "/dev/fuse is a file, not a device node");
  node_.Write("run/thing/socket", "fine");
  EXPECT_TRUE(Devices(Scan({.paths = {Rule("/run/thing/socket")}, .usb = {}}))[0].healthy());
}

TEST_F(PathsSourceTest, AMountIsNoDeviceNode) {
  node_.Write("usr/share/fw.bin", "x");
  PathRule rule = Rule("/usr/share/fw.bin", "/fw.bin");
  rule.type = PathRule::Type::kMount;
  rule.read_only = true;
  const std::vector<Device> devices = Devices(Scan({.paths = {rule}, .usb = {}}));
  EXPECT_THAT(devices[0].nodes, IsEmpty());
  EXPECT_THAT(devices[0].mounts, ElementsAre(DeviceMount{"/usr/share/fw.bin", "/fw.bin", true}));
}

TEST_F(PathsSourceTest, AnOptionalPathDoesNotChangeTheId) {
  node_.MakeNode("dev/a");
  PathRule optional = Rule("/dev/b");
  optional.optional = true;
  const PathGroup group{.paths = {Rule("/dev/a"), optional}, .usb = {}};
  const Inventory without = Scan(group);
  node_.MakeNode("dev/b");
  const Inventory with = Scan(group);
  EXPECT_THAT(Devices(without)[0].nodes, SizeIs(1));
  EXPECT_THAT(Devices(with)[0].nodes, SizeIs(2));
  EXPECT_EQ(without.resources.at(kResource).begin()->first,
            with.resources.at(kResource).begin()->first);
}

TEST_F(PathsSourceTest, NothingThereIsAnEmptySetAndANote) {
  const Inventory inventory = Scan({.paths = {Rule("/dev/kvm")}, .usb = {}});
  EXPECT_THAT(Devices(inventory), IsEmpty());
  EXPECT_THAT(inventory.notes, ElementsAre("/dev/kvm does not exist"));
}

TEST_F(PathsSourceTest, NumaNodeIsTakenFromTheNearestParentInSysfs) {
  const auto path = node_.Under("dev/thing");
  if (::mknod(path.c_str(), S_IFCHR | 0600, makedev(240, 7)) != 0) {
    GTEST_SKIP() << "device nodes need root";
  }
  node_.Write("sys/devices/pci0000:80/0000:80:01.0/numa_node", "1\n");
  node_.Write("sys/devices/pci0000:80/0000:80:01.0/thing/numa_node", "-1\n");
  node_.Under("sys/dev/char/x");
  std::filesystem::create_directory_symlink("../../devices/pci0000:80/0000:80:01.0/thing",
                                            node_.Under("sys/dev/char/240:7"));
  const PathGroup group{.paths = {Rule("/dev/thing")}, .usb = {}};
  EXPECT_THAT(Devices(Scan(group))[0].numa_nodes, ElementsAre(1));
  auto without = PathsSource(kResource, Paths{{group}}, false, HostRoot(node_.path())).Scan();
  EXPECT_THAT(Devices(*without)[0].numa_nodes, IsEmpty());
}

TEST_F(PathsSourceTest, UsbByVendorAndProductKeepsItsIdOverReplugging) {
  Plug("1-2", "1a86", "7523", 1, 4, "A50285BI", 0);
  Plug("1-3", "1a86", "7523", 1, 5, "OTHER");
  Plug("1-4", "0403", "6001", 1, 6);
  node_.Write("sys/devices/pci0000:00/0000:00:14.0/1-2/1-2:1.0/bInterfaceClass", "ff\n");
  const PathGroup group{.paths = {}, .usb = {{0x1a86, 0x7523, "A50285BI"}}};
  const Inventory before = Scan(group);
  ASSERT_THAT(Devices(before), SizeIs(1));
  EXPECT_THAT(Devices(before)[0].nodes, ElementsAre(DeviceNode{"/dev/bus/usb/001/004", "", "rw"}));
  EXPECT_THAT(Devices(before)[0].numa_nodes, ElementsAre(0));
  EXPECT_TRUE(before.directories.contains(node_.path() / "dev/bus/usb/001"));

  node_.Remove("dev/bus/usb/001/004");
  node_.Write("sys/devices/pci0000:00/0000:00:14.0/1-2/devnum", "9\n");
  node_.MakeNode("dev/bus/usb/001/009");
  const Inventory after = Scan(group);
  EXPECT_EQ(Devices(after)[0].nodes[0].host_path, "/dev/bus/usb/001/009");
  EXPECT_EQ(after.resources.at(kResource).begin()->first,
            before.resources.at(kResource).begin()->first);
}

TEST_F(PathsSourceTest, UsbSelectorsOfAGroupGoTogether) {
  Plug("1-2", "1a86", "7523", 1, 4, "A");
  Plug("1-3", "1a86", "7523", 1, 5, "B");
  Plug("1-4", "0403", "6001", 1, 6, "C");
  const Inventory inventory =
      Scan({.paths = {}, .usb = {{0x1a86, 0x7523, ""}, {0x0403, 0x6001, ""}}});
  ASSERT_THAT(Devices(inventory), SizeIs(1));
  EXPECT_THAT(Devices(inventory)[0].nodes, SizeIs(2));
}

TEST_F(PathsSourceTest, UsbNotPluggedIsANote) {
  EXPECT_THAT(Scan({.paths = {}, .usb = {{0x1a86, 0x7523, "X"}}}).notes,
              ElementsAre("no USB device 1a86:7523 with serial number X is plugged"));
}

TEST_F(PathsSourceTest, UsbWithoutItsNodeIsUnhealthy) {
  Plug("1-2", "1a86", "7523", 1, 4, "A");
  node_.Remove("dev/bus/usb/001/004");
  EXPECT_EQ(Devices(Scan({.paths = {}, .usb = {{0x1a86, 0x7523, ""}}}))[0].problem,
            "/dev/bus/usb/001/004: No such file or directory");
}

TEST_F(PathsSourceTest, GarbageInSysfsIsLeftOut) {
  node_.Write("sys/bus/usb/devices/1-1/idVendor", "zzzz\n");
  node_.Write("sys/bus/usb/devices/1-2/idVendor", std::string(100'000, '1'));
  node_.Write("sys/bus/usb/devices/1-3/idVendor", "");
  std::set<std::filesystem::path> directories;
  EXPECT_THAT(ListUsbDevices(HostRoot(node_.path()), &directories), IsEmpty());
}

TEST(RegistryTest, ExecHasNoSource) {
  PluginSpec spec;
  spec.discovery = Exec{{"/opt/vendor/plugin"}};
  EXPECT_FALSE(MakeSource(spec, HostRoot("/")).ok());
}

}  // namespace
}  // namespace nodedevice
