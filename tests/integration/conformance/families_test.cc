// `device-manager conformance` against our plugin with a fixture of each family: what differs from
// one to the other is what is listed, how it is allocated and preferred, what is noticed of a
// device that goes, and what the process holds.
#include <filesystem>
#include <functional>
#include <ostream>
#include <set>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tests/integration/conformance/conformance_fixture.h"
#include "tests/support/fake_driver.h"
#include "tests/support/fake_pci_bus.h"
#include "tests/support/places.h"

namespace nodedevice::testing {
namespace {

namespace fs = std::filesystem;

using nlohmann::json;
using ::testing::IsEmpty;

// Makes what the family finds on a node that is a directory.
using Furnish = std::function<void(const TempDir&)>;

struct Family {
  const char* name;
  const char* entry;  // of spec.plugins
  Furnish furnish;
  json resources;                     // what is listed then: resource -> devices
  std::string device;                 // below the node; moved aside and put back
  std::set<std::string> no_occasion;  // rules that the fixture gives no occasion for
};

void PrintTo(const Family& family, std::ostream* out) { *out << family.name; }

void Link(const TempDir& node, const std::string& target, const std::string& link) {
  fs::create_directory_symlink(target, node.Under(link));
}

void FurnishStatic(const TempDir& node) {
  node.MakeNode("dev/seat0");
  node.MakeNode("dev/seat1");
}

void FurnishPaths(const TempDir& node) {
  for (const char* name : {"dev/ttyUSB0", "dev/ttyUSB1", "dev/ttyUSB2"}) node.MakeNode(name);
  node.Write("run/lock/serial", "");
}

void FurnishPci(const TempDir& node) {
  const FakePciBus bus(node);
  bus.Plug({.address = "0000:3b:00.0", .driver = "vfio-pci", .group = "42", .numa = "0"});
  bus.Plug({.address = "0000:3c:00.0", .driver = "vfio-pci", .group = "43", .numa = "1"});
  bus.Plug({.address = "0000:3d:00.0", .driver = "i40e", .group = "44"});
  for (const char* group : {"42", "43"}) bus.MakeGroupNode(group);
}

void FurnishMdev(const TempDir& node) {
  const FakePciBus bus(node);
  bus.Plug({.address = "0000:3b:00.0", .vendor = "10de", .driver = "nvidia", .numa = "1"});
  const std::string parent = "sys/devices/pci0000:3a/0000:3b:00.0/";
  node.Write(parent + "mdev_supported_types/nvidia-222/name", "GRID T4-1Q\n");
  for (const char* group : {"90", "91"}) {
    const std::string uuid = std::string("83b8f4f2-509f-382f-3c1e-e6bfe0fa10") + group;
    Link(node, "../mdev_supported_types/nvidia-222", parent + uuid + "/mdev_type");
    fs::create_directories(node.Under(std::string("sys/kernel/iommu_groups/") + group));
    Link(node, std::string("../../../../kernel/iommu_groups/") + group,
         parent + uuid + "/iommu_group");
    bus.MakeGroupNode(group);
    Link(node, "../../../devices/pci0000:3a/0000:3b:00.0/" + uuid, "sys/bus/mdev/devices/" + uuid);
  }
}

void FurnishUsb(const TempDir& node) {
  const std::string controller = "sys/devices/pci0000:00/0000:00:14.0/";
  node.Write(controller + "numa_node", "0\n");
  for (const char* number : {"4", "5"}) {
    const std::string port = std::string("1-") + number;
    node.Write(controller + port + "/idVendor", "1050\n");
    node.Write(controller + port + "/idProduct", "0407\n");
    node.Write(controller + port + "/busnum", "1\n");
    node.Write(controller + port + "/devnum", std::string(number) + "\n");
    node.Write(controller + port + "/serial", "KEY" + port + "\n");
    Link(node, "../../../devices/pci0000:00/0000:00:14.0/" + port, "sys/bus/usb/devices/" + port);
    node.MakeNode(std::string("dev/bus/usb/001/00") + number);
  }
}

void FurnishOnload(const TempDir& node) {
  const std::string card = "sys/devices/pci0000:00/0000:3b:00.0";
  node.Write(card + "/vendor", "0x1924\n");
  node.Write(card + "/numa_node", "0\n");
  node.Write(card + "/net/ens1f0/mtu", "1500\n");
  Link(node, "../../../0000:3b:00.0", card + "/net/ens1f0/device");
  Link(node, "../../" + card.substr(4) + "/net/ens1f0", "sys/class/net/ens1f0");
  node.Write("proc/devices", "Character devices:\n239 onload\n238 onload_epoll\n\n");
  for (const char* name : {"dev/onload", "dev/onload_epoll", "dev/sfc_char"}) node.MakeNode(name);
  node.Write("opt/onload/usr/lib64/libonload.so", "elf");
}

// A whole GPU, and one that is cut in two: two resources, and the driver's events to wait for.
void FurnishNvidia(const TempDir& node) {
  FakePciBus(node).Plug({.address = "0000:3b:00.0", .vendor = "10de", .numa = "0"});
  const FakeDriver driver(node);
  driver.Install();
  const json migs =
      json::array({FakeDriver::Mig(1, 1, "3g.20gb"), FakeDriver::Mig(1, 2, "3g.20gb")});
  driver.Play({{"gpus", json::array({FakeDriver::Gpu(0), FakeDriver::Gpu(1, {{"mig", migs}}),
                                     FakeDriver::Gpu(2)})}});
  for (const char* name :
       {"dev/nvidiactl", "dev/nvidia-uvm", "dev/nvidia0", "dev/nvidia1", "dev/nvidia2",
        "dev/nvidia-caps/nvidia-cap12", "dev/nvidia-caps/nvidia-cap13",
        "dev/nvidia-caps/nvidia-cap21", "dev/nvidia-caps/nvidia-cap22"}) {
    node.MakeNode(name);
  }
  node.Write("proc/driver/nvidia-caps/mig-minors",
             "gpu1/gi1/access 12\ngpu1/gi1/ci0/access 13\n"
             "gpu1/gi2/access 21\ngpu1/gi2/ci0/access 22\n");
}

void FurnishContainerOptimizedOs(const TempDir& node) {
  for (const char* name : {"dev/nvidiactl", "dev/nvidia-uvm", "dev/nvidia0", "dev/nvidia1"}) {
    node.MakeNode(name);
  }
  FakePciBus(node).Plug({.address = "0000:3b:00.0", .vendor = "10de", .numa = "0"});
  node.Write("proc/driver/nvidia/gpus/0000:3b:00.0/information",
             "Model: \t\t NVIDIA A100\nDevice Minor: \t 0\n");
}

class FamilyTest : public ConformanceTest, public ::testing::WithParamInterface<Family> {};

TEST_P(FamilyTest, KeepsEveryRule) {
  const Family& family = GetParam();
  const TempDir node;
  json entry = json::parse(family.entry);
  entry["container"] = {{"envs", {{"A", "b"}}},
                        {"annotations", {{"example.com/a", "b"}}},
                        {"cdi", {"vendor.example/a=b"}}};
  family.furnish(node);
  Words options = {"--registrations", "22"};
  if (!family.device.empty()) options = options + Words{"--device", node.path() / family.device};
  const Checked run =
      Check(options, {ProgramFolder() / "node-device-plugin", "--kubelet-dir", "{kubelet-dir}",
                      "--host-root", node.path(), "--plugin", entry.dump()});
  EXPECT_EQ(run.exit_code, 0) << run.output;
  EXPECT_THAT(Broken(run), IsEmpty()) << run.output;
  ASSERT_TRUE(run.report.is_object()) << run.output;
  EXPECT_EQ(run.report["resources"], family.resources);
  // No family wants PreStartContainer, and so few registrations tell nothing of memory.
  std::set<std::string> no_occasion = {"prestart/answers", "growth/memory"};
  no_occasion.insert(family.no_occasion.begin(), family.no_occasion.end());
  EXPECT_EQ(run.With("not-applicable"), no_occasion) << run.output;
}

INSTANTIATE_TEST_SUITE_P(
    Each, FamilyTest,
    ::testing::Values(
        Family{
            "static",
            R"({"name":"seat","resourceName":"example.com/seat","static":{"idsEnv":"SEATS","devices":[
                   {"id":"a","numaNodes":[0],"nodes":[{"path":"/dev/seat0"}]},
                   {"id":"b","nodes":[{"path":"/dev/seat1"}]},
                   {"id":"c","healthy":false,"reason":"broken"}]}})",
            FurnishStatic,
            {{"example.com/seat", 3}},
            "dev/seat0",
            {"list/ids-unique-on-node"}},
        Family{"paths",
               R"({"name":"serial","resourceName":"example.com/serial","paths":{"groups":[{"paths":[
                   {"path":"/dev/ttyUSB*","containerPath":"/dev/serial/"},
                   {"path":"/run/lock*","type":"Mount","readOnly":true,"optional":true}]}]},
                   "sharing":{"replicas":2}})",
               FurnishPaths,
               {{"example.com/serial", 6}},
               "dev/ttyUSB1",
               {"list/ids-unique-on-node", "allocate/unhealthy-id", "list/numa-nodes"}},
        Family{"pci",
               R"({"name":"nic","resourceName":"intel.com/x710",
                   "pci":{"selectors":[{"vendor":"8086","device":"1572"}]}})",
               FurnishPci,
               {{"intel.com/x710", 3}},
               "dev/vfio/42",
               {"list/ids-unique-on-node"}},
        Family{"mdev",
               R"({"name":"vgpu","resourceName":"nvidia.com/GRID_T4-1Q",
                   "mdev":{"selectors":[{"type":"GRID T4-1Q"}]}})",
               FurnishMdev,
               {{"nvidia.com/GRID_T4-1Q", 2}},
               "dev/vfio/90",
               {"list/ids-unique-on-node", "allocate/unhealthy-id"}},
        Family{"usb",
               R"({"name":"key","resourceName":"kubevirt.io/key",
                   "usb":{"selectors":[{"vendor":"1050","product":"0407"}]}})",
               FurnishUsb,
               {{"kubevirt.io/key", 2}},
               "dev/bus/usb/001/004",
               {"list/ids-unique-on-node", "allocate/unhealthy-id"}},
        Family{"onload",
               R"({"name":"onload","resourceName":"amd.com/onload",
                   "onload":{"preload":true,"max":3}})",
               FurnishOnload,
               {{"amd.com/onload", 3}},
               "dev/onload",
               {"list/ids-unique-on-node", "list/numa-nodes", "allocate/unhealthy-id"}},
        Family{"nvidia",
               R"({"name":"gpu","resourceName":"nvidia.com/gpu","nvidia":{"migStrategy":"mixed",
                   "deviceListStrategy":["cdi-cri","envvar"],
                   "passDeviceSpecs":true},"sharing":{"replicas":2}})",
               FurnishNvidia,
               {{"nvidia.com/gpu", 4}, {"nvidia.com/mig-3g.20gb", 4}},
               "dev/nvidia0",
               {"allocate/unhealthy-id"}},
        Family{"nvidia_cos",
               R"({"name":"gpu","resourceName":"nvidia.com/gpu","nvidia":{"layout":"cos"}})",
               FurnishContainerOptimizedOs,
               {{"nvidia.com/gpu", 2}},
               "dev/nvidia0",
               {"list/ids-unique-on-node", "allocate/unhealthy-id"}}),
    [](const ::testing::TestParamInfo<Family>& family) { return family.param.name; });

}  // namespace
}  // namespace nodedevice::testing
