#include "devicemanager/pod_devices.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace nodedevice::devicemanager {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

HeldDevices Held(std::vector<std::string> ids) {
  return {.by_node = {{kNoNumaNode, std::move(ids)}}, .response = ""};
}

TEST(PodDevicesTest, ADeviceOfSeveralNumaNodesCountsOnce) {
  const HeldDevices held{.by_node = {{0, {"x", "y"}}, {1, {"x"}}}, .response = ""};
  EXPECT_THAT(held.Ids(), ElementsAre("x", "y"));
}

TEST(PodDevicesTest, InUseIsTheUnionOverPodsAndContainersOfOneResource) {
  PodDevices devices;
  devices.Insert("pod1", "a", "r", Held({"x"}));
  devices.Insert("pod1", "b", "r", Held({"y"}));
  devices.Insert("pod2", "a", "r", Held({"z"}));
  devices.Insert("pod2", "a", "other", Held({"w"}));
  EXPECT_THAT(devices.InUse("r"), ElementsAre("x", "y", "z"));
  EXPECT_THAT(devices.InUse("unknown"), IsEmpty());
}

TEST(PodDevicesTest, RemovingAPodFreesAllItsDevices) {
  PodDevices devices;
  devices.Insert("pod1", "a", "r", Held({"x"}));
  EXPECT_TRUE(devices.RemovePod("pod1"));
  EXPECT_FALSE(devices.RemovePod("pod1"));
  EXPECT_THAT(devices.InUse("r"), IsEmpty());
  EXPECT_EQ(devices.Find("pod1", "a", "r"), nullptr);
}

TEST(PodDevicesTest, OnlyThePodsThatAreNamedKeepTheirDevices) {
  PodDevices devices;
  devices.Insert("gone", "a", "r", Held({"x"}));
  devices.Insert("gone", "b", "other", Held({"y"}));
  devices.Insert("here", "a", "r", Held({"z"}));
  EXPECT_THAT(devices.RemoveAllBut({"here", "without devices"}), ElementsAre("gone"));
  EXPECT_THAT(devices.InUse("r"), ElementsAre("z"));
  EXPECT_THAT(devices.InUse("other"), IsEmpty());
  EXPECT_THAT(devices.RemoveAllBut({"here"}), IsEmpty());
  EXPECT_THAT(devices.RemoveAllBut({}), ElementsAre("here"));
}

TEST(PodDevicesTest, FindsByPodContainerAndResource) {
  PodDevices devices;
  devices.Insert("pod1", "a", "r", Held({"x"}));
  ASSERT_NE(devices.Find("pod1", "a", "r"), nullptr);
  EXPECT_THAT(devices.Find("pod1", "a", "r")->Ids(), ElementsAre("x"));
  EXPECT_EQ(devices.Find("pod1", "b", "r"), nullptr);
  EXPECT_EQ(devices.Find("pod1", "a", "other"), nullptr);
}

TEST(PodDevicesTest, WhatAnInitContainerLeavesIsReusableUntilAnotherTakesIt) {
  ReusableDevices reusable;
  AddReusable({{"r", Held({"x", "y"})}}, reusable);
  EXPECT_THAT(reusable, ElementsAre(Pair("r", ElementsAre("x", "y"))));
  RemoveReusable({{"r", Held({"x"})}}, reusable);
  EXPECT_THAT(reusable, ElementsAre(Pair("r", ElementsAre("y"))));
}

}  // namespace
}  // namespace nodedevice::devicemanager
