#include "plugin/allocation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace nodedevice {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

Device Node(const std::string& host, const std::string& container = "") {
  return {.problem = "", .numa_nodes = {}, .nodes = {{host, container, "rw"}}, .mounts = {}};
}

PluginSpec Spec() {
  PluginSpec spec;
  spec.name = "serial";
  spec.resource_name = "example.com/serial";
  return spec;
}

TEST(AllocationTest, AnswersInTheOrderOfTheSetWhateverTheRequestsOrder) {
  const Announcement offered{
      .devices = {{"tty2", Node("/dev/tty2")}, {"tty10", Node("/dev/tty10")}}};
  const auto answer = AnswerContainer(offered, Spec(), {"tty10", "tty2"});
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_THAT(answer->nodes,
              ElementsAre(DeviceNode{"/dev/tty2", "", "rw"}, DeviceNode{"/dev/tty10", "", "rw"}));
}

TEST(AllocationTest, GivesTheEntrysEdits) {
  PluginSpec spec = Spec();
  spec.container.envs = {{"MODE", "fast"}};
  spec.container.annotations = {{"example.com/a", "b"}};
  spec.container.cdi = {"vendor.example/class=x"};
  spec.container.mounts = {{"/usr/share/thing", "/thing", true}};
  const Announcement offered{.devices = {{"a", Node("/dev/a")}}};
  const auto answer = AnswerContainer(offered, spec, {"a"});
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_THAT(answer->envs, ElementsAre(Pair("MODE", "fast")));
  EXPECT_THAT(answer->annotations, ElementsAre(Pair("example.com/a", "b")));
  EXPECT_THAT(answer->cdi, ElementsAre("vendor.example/class=x"));
  EXPECT_THAT(answer->mounts, ElementsAre(DeviceMount{"/usr/share/thing", "/thing", true}));
}

TEST(AllocationTest, JoinsWhatDevicesAddToTheEnvironment) {
  Device one = Node("/dev/vfio/1");
  one.env_items = {{"PCI_RESOURCE_X", "0000:01:00.0,0000:01:00.1"}};
  one.cdi = {"vendor.example/nic=1", "vendor.example/nic=all"};
  Device two = Node("/dev/vfio/2");
  two.env_items = {{"PCI_RESOURCE_X", "0000:02:00.0"}, {"MODE", "slow"}};
  two.cdi = {"vendor.example/nic=2", "vendor.example/nic=all"};
  PluginSpec spec = Spec();
  spec.container.envs = {{"MODE", "fast"}};
  spec.container.cdi = {"vendor.example/nic=2", "vendor.example/more=x"};
  const Announcement offered{.devices = {{"1", one}, {"2", two}}, .replicas = 2};
  const auto answer = AnswerContainer(offered, spec, {"2::0", "1::0", "1::1"});
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_THAT(answer->envs,
              ElementsAre(Pair("MODE", "fast"),
                          Pair("PCI_RESOURCE_X", "0000:01:00.0,0000:01:00.1,0000:02:00.0")));
  EXPECT_THAT(answer->cdi, ElementsAre("vendor.example/nic=1", "vendor.example/nic=all",
                                       "vendor.example/nic=2", "vendor.example/more=x"));
}

// As LD_PRELOAD, which every slot of a driver wants to be the same.
TEST(AllocationTest, WhatTwoDevicesAddAlikeIsThereOnce) {
  Device slot = Node("/dev/a");
  slot.env_items = {{"PRELOAD", "/lib/a.so"}, {"LIST", "x"}};
  Device other = slot;
  other.env_items.push_back({"LIST", "x,y"});
  const Announcement offered{.devices = {{"0", slot}, {"1", slot}, {"2", other}}};
  const auto answer = AnswerContainer(offered, Spec(), {"0", "1", "2"});
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_THAT(answer->envs, ElementsAre(Pair("LIST", "x,x,y"), Pair("PRELOAD", "/lib/a.so")));
}

TEST(AllocationTest, ReplicasOfOneDeviceGiveItsNodeOnce) {
  const Announcement offered{.devices = {{"a", Node("/dev/a")}}, .replicas = 4};
  const auto answer = AnswerContainer(offered, Spec(), {"a::3", "a::0"});
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->nodes.size(), 1u);
}

TEST(AllocationTest, RefusesMoreThanOneOfASharedResourceWhenTold) {
  PluginSpec spec = Spec();
  spec.sharing = {.replicas = 4, .fail_requests_greater_than_one = true};
  const Announcement offered{.devices = {{"a", Node("/dev/a")}}, .replicas = 4};
  EXPECT_TRUE(AnswerContainer(offered, spec, {"a::1"}).ok());
  EXPECT_EQ(AnswerContainer(offered, spec, {"a::1", "a::2"}).status().message(),
            "example.com/serial is shared and a container may request one of it, not 2: more "
            "would be the same device again");
}

TEST(AllocationTest, NamesTheUnknownDevice) {
  const Announcement offered{.devices = {{"a", Node("/dev/a")}}, .replicas = 2};
  for (const std::string id : {"b", "a", "a::2", "a::-1", "a::01", "a::", "a::0x", "", "::0"}) {
    const auto answer = AnswerContainer(offered, Spec(), {id});
    EXPECT_EQ(answer.status().message(),
              "example.com/serial: device '" + id + "' is not announced");
  }
}

TEST(AllocationTest, RefusesAnUnhealthyDeviceWithItsReason) {
  Device gone = Node("/dev/a");
  gone.problem = "/dev/a is gone";
  const Announcement offered{.devices = {{"a", gone}}};
  EXPECT_EQ(AnswerContainer(offered, Spec(), {"a"}).status().message(),
            "example.com/serial: device 'a' is unhealthy: /dev/a is gone");
}

TEST(AllocationTest, RefusesTwoDevicesAtOneContainerPath) {
  const Announcement offered{
      .devices = {{"a", Node("/dev/a", "/dev/port")}, {"b", Node("/dev/b", "/dev/port")}}};
  EXPECT_TRUE(AnswerContainer(offered, Spec(), {"b"}).ok());
  EXPECT_EQ(AnswerContainer(offered, Spec(), {"a", "b"}).status().message(),
            "example.com/serial: two of the requested devices want the container path /dev/port; "
            "request one per container, or give the entry 'serial' a containerPath that ends in "
            "'/'");
}

TEST(AllocationTest, AnEmptyRequestGetsTheEditsOnly) {
  const auto answer = AnswerContainer(Announcement{}, Spec(), {});
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(*answer, ContainerAnswer{});
}

}  // namespace
}  // namespace nodedevice
