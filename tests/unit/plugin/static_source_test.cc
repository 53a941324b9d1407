// Family `static`: devices that the configuration names, and what they bring.
#include "plugin/discovery/static.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/base/file.h"
#include "nlohmann/json.hpp"
#include "plugin/allocation.h"
#include "tests/support/temp_dir.h"

namespace nodedevice {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

constexpr char kResource[] = "example.com/resource";

class StaticSourceTest : public ::testing::Test {
 protected:
  StaticSourceTest() : host_(node_.path()) {}

  Inventory Scan(const Static& devices, bool topology = true) {
    StaticSource source(kResource, devices, topology, host_);
    return Scan(source);
  }
  static Inventory Scan(StaticSource& source) {
    auto inventory = source.Scan();
    EXPECT_TRUE(inventory.ok()) << inventory.status();
    return inventory.value_or(Inventory{});
  }
  static ContainerAnswer Answer(const Inventory& inventory, const std::vector<std::string>& ids) {
    PluginSpec spec;
    spec.resource_name = kResource;
    const auto answer = AnswerContainer({.devices = inventory.resources.at(kResource)}, spec, ids);
    EXPECT_TRUE(answer.ok()) << answer.status();
    return answer.value_or(ContainerAnswer{});
  }

  testing::TempDir node_;
  HostRoot host_;
};

TEST_F(StaticSourceTest, AnnouncesWhatTheConfigurationSays) {
  const Inventory inventory = Scan({.devices = {{"Dev-1", true, "", {1, 0, 1}},
                                                {"Dev-2", false, "", {}},
                                                {"Dev-3", false, "broken fan", {}}}});
  const DeviceSet& set = inventory.resources.at(kResource);
  EXPECT_TRUE(set.at("Dev-1").healthy());
  EXPECT_THAT(set.at("Dev-1").numa_nodes, ElementsAre(0, 1));
  EXPECT_EQ(set.at("Dev-2").problem, "the configuration says so");
  EXPECT_EQ(set.at("Dev-3").problem, "broken fan");
  EXPECT_THAT(inventory.directories, IsEmpty());
  EXPECT_EQ(inventory.hold, "");
  EXPECT_EQ(Answer(inventory, {"Dev-1"}), ContainerAnswer());
}

TEST_F(StaticSourceTest, WithoutTopologyNumaNodesAreNotTold) {
  const Inventory inventory = Scan({.devices = {{"a", true, "", {1}}}}, /*topology=*/false);
  EXPECT_THAT(inventory.resources.at(kResource).at("a").numa_nodes, IsEmpty());
}

TEST_F(StaticSourceTest, ADeviceBringsItsNodesItsMountsAndItsId) {
  node_.MakeNode("dev/zero");
  Static devices{.devices = {{"seat-2", true, "", {}}, {"seat-10", true, "", {}}},
                 .ids_env = "SEATS"};
  devices.devices[0].nodes = {{"/dev/zero", "/dev/seat", "r"}};
  devices.devices[0].mounts = {{"/var/lib/seats/2", "/seat", true}};
  const Inventory inventory = Scan(devices);
  const ContainerAnswer answer = Answer(inventory, {"seat-10", "seat-2"});
  EXPECT_THAT(answer.nodes, ElementsAre(DeviceNode{"/dev/zero", "/dev/seat", "r"}));
  EXPECT_THAT(answer.mounts, ElementsAre(DeviceMount{"/var/lib/seats/2", "/seat", true}));
  EXPECT_THAT(answer.envs, ElementsAre(Pair("SEATS", "seat-2,seat-10")));
  EXPECT_THAT(inventory.directories, ElementsAre(node_.path() / "dev"));
}

TEST_F(StaticSourceTest, ADeviceWithoutItsNodeIsUnhealthy) {
  Static devices{.devices = {{"a", true, "", {}}, {"b", true, "", {}}, {"c", false, "sold", {}}}};
  devices.devices[0].nodes = {{"/dev/gone", "", "rw"}};
  devices.devices[1].nodes = {{"/dev/link", "", "rw"}};
  devices.devices[2].nodes = {{"/dev/gone", "", "rw"}};
  node_.MakeNode("dev/zero");
  std::filesystem::create_symlink("zero", node_.Under("dev/link"));
  const Inventory inventory = Scan(devices);
  const DeviceSet& set = inventory.resources.at(kResource);
  EXPECT_EQ(set.at("a").problem, "/dev/gone: No such file or directory");
  EXPECT_EQ(set.at("b").problem, "/dev/link is a link, not a device node");
  EXPECT_EQ(set.at("c").problem, "sold");
}

// ---- as the sample plugin of Kubernetes does it ---------------------------------------------

TEST_F(StaticSourceTest, WithACdiKindTheRuntimeIsToldByAFile) {
  node_.MakeNode("dev/zero");
  Static devices{.devices = {{"Dev-1", true, "", {}}, {"Dev-2", false, "", {}}},
                 .ids_env = "DEVICES",
                 .cdi_kind = "example.com/resource"};
  devices.devices[0].nodes = {{"/dev/zero", "/dev/one", "rw"}};
  devices.devices[0].mounts = {{"/var/lib/x", "/x", false}};
  const std::filesystem::path file =
      node_.path() / "var/run/cdi/nodedevices.io_example.com_resource.json";
  {
    StaticSource source(kResource, devices, true, host_);
    EXPECT_FALSE(std::filesystem::exists(file));
    const ContainerAnswer answer = Answer(Scan(source), {"Dev-1"});
    EXPECT_THAT(answer.cdi, ElementsAre("example.com/resource=Dev-1"));
    EXPECT_THAT(answer.nodes, IsEmpty());
    EXPECT_THAT(answer.mounts, IsEmpty());
    EXPECT_THAT(answer.envs, ElementsAre(Pair("DEVICES", "Dev-1")));
    EXPECT_EQ(json::parse(*ReadFile(file, 1u << 20)), json::parse(R"({
      "cdiVersion": "0.5.0", "kind": "example.com/resource", "devices": [
        {"name": "Dev-1", "containerEdits": {
          "env": ["CDI_DEVICE=Dev-1"],
          "deviceNodes": [{"path": "/dev/one", "hostPath": "/dev/zero", "permissions": "rw"}],
          "mounts": [{"hostPath": "/var/lib/x", "containerPath": "/x",
                      "options": ["rbind", "rprivate", "rw"]}]}},
        {"name": "Dev-2", "containerEdits": {"env": ["CDI_DEVICE=Dev-2"]}}]})"));
    // /var/run is emptied by a reboot, and by people.
    node_.Remove("var/run/cdi");
    Scan(source);
    EXPECT_TRUE(std::filesystem::exists(file));
  }
  EXPECT_FALSE(std::filesystem::exists(file));
}

TEST_F(StaticSourceTest, DevicesOfWhichTheRuntimeCannotBeToldAreUnhealthy) {
  node_.Write("var/run/cdi", "no folder");
  const Inventory inventory = Scan({.devices = {{"a", true, "", {}}, {"b", false, "sold", {}}},
                                    .cdi_kind = "example.com/resource"});
  const DeviceSet& set = inventory.resources.at(kResource);
  EXPECT_THAT(set.at("a").problem, HasSubstr("the container runtime cannot be told of it: "));
  EXPECT_THAT(set.at("a").problem, HasSubstr("/var/run/cdi: Not a directory"));
  EXPECT_EQ(set.at("b").problem, "sold");
}

TEST_F(StaticSourceTest, AHoldFileHoldsAsLongAsItIsThere) {
  const Static devices{.devices = {{"a", true, "", {}}}, .hold_file = "/var/run/hold/x"};
  std::filesystem::create_directory_symlink("/run", node_.Under("var/run"));
  node_.Write("run/hold/x", "");
  StaticSource source(kResource, devices, true, host_);
  const Inventory held = Scan(source);
  EXPECT_EQ(held.hold, "/var/run/hold/x exists");
  EXPECT_THAT(held.directories, ElementsAre(node_.path() / "run/hold"));
  node_.Remove("run/hold/x");
  EXPECT_EQ(Scan(source).hold, "");
  node_.Remove("run/hold");
  EXPECT_EQ(Scan(source).hold, "");
  // A link counts whether or not it leads anywhere: what matters is that somebody removes it.
  std::filesystem::create_symlink("nowhere", node_.Under("run/hold/x"));
  EXPECT_EQ(Scan(source).hold, "/var/run/hold/x exists");
}

}  // namespace
}  // namespace nodedevice
