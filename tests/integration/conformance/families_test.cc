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
#include "tests/support/fake_hardware.h"
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
  bool prepares = false;              // devices are made ready when a container starts
};

void PrintTo(const Family& family, std::ostream* out) { *out << family.name; }

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
  // It does not register by plugins_registry, and so few registrations tell nothing of memory.
  std::set<std::string> no_occasion = kNotInRegistry;
  no_occasion.insert("growth/memory");
  if (!family.prepares) no_occasion.insert("prestart/answers");
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
        // Nothing acts on what is written to a fake node: those that are made ready are bound.
        Family{"pci_bind",
               R"({"name":"nic","resourceName":"intel.com/x710",
                   "pci":{"selectors":[{"vendor":"8086","device":"1572"}],"bind":true}})",
               FurnishPci,
               {{"intel.com/x710", 3}},
               "dev/vfio/42",
               {"list/ids-unique-on-node", "allocate/unhealthy-id"},
               /*prepares=*/true},
        Family{"mdev",
               R"({"name":"vgpu","resourceName":"nvidia.com/GRID_T4-1Q",
                   "mdev":{"selectors":[{"type":"GRID T4-1Q"}]}})",
               PlugVirtualGpus,
               {{"nvidia.com/GRID_T4-1Q", 2}},
               "dev/vfio/90",
               {"list/ids-unique-on-node", "allocate/unhealthy-id"}},
        Family{"usb",
               R"({"name":"key","resourceName":"kubevirt.io/key",
                   "usb":{"selectors":[{"vendor":"1050","product":"0407"}]}})",
               PlugSecurityKeys,
               {{"kubevirt.io/key", 2}},
               "dev/bus/usb/001/004",
               {"list/ids-unique-on-node", "allocate/unhealthy-id"}},
        Family{"onload",
               R"({"name":"onload","resourceName":"amd.com/onload",
                   "onload":{"preload":true,"max":3}})",
               PlugOnloadCard,
               {{"amd.com/onload", 3}},
               "dev/onload",
               {"list/ids-unique-on-node", "list/numa-nodes", "allocate/unhealthy-id"}},
        Family{
            "adjunct_processor",
            R"({"name":"crypto","resourceName":"cex.s390.ibm.com/crypto","adjunctProcessor":{"apqns":
                   [{"adapter":3,"domain":5},{"adapter":10,"domain":5}]},
                   "health":{"interval":"1s"}})",
            PlugCryptoCards,
            {{"cex.s390.ibm.com/crypto", 2}},
            "sys/devices/ap/card03/03.0005/online",
            {"list/ids-unique-on-node", "list/numa-nodes", "allocate/unhealthy-id"},
            /*prepares=*/true},
        Family{"nvidia",
               R"({"name":"gpu","resourceName":"nvidia.com/gpu","nvidia":{"migStrategy":"mixed",
                   "deviceListStrategy":["cdi-cri","envvar"],
                   "passDeviceSpecs":true},"sharing":{"replicas":2}})",
               [](const TempDir& node) { PlugGpus(node); },
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
