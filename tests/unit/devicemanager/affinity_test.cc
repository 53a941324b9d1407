#include "devicemanager/affinity.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace nodedevice::devicemanager {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

constexpr char kNic[] = "example.com/nic";
constexpr char kGpu[] = "example.com/gpu";

const TopologySettings kRestricted = {
    .policy = TopologyPolicy::kRestricted, .scope = TopologyScope::kContainer, .nodes = {0, 1}};

Container App(const std::string& name, std::map<std::string, int> limits) {
  return {name, ContainerKind::kApp, std::move(limits)};
}

Pod PodOf(std::vector<Container> containers) {
  return {
      .name = "p", .namespace_name = "default", .uid = "u", .containers = std::move(containers)};
}

// Two GPUs on each node, one NIC on node 1.
State Node() {
  State state;
  for (const char* resource : {kNic, kGpu}) state.model.Connected(resource, 1, {});
  state.model.ListReceived(kGpu, {{.id = "g0", .healthy = true, .numa_nodes = {0}},
                                  {.id = "g1", .healthy = true, .numa_nodes = {0}},
                                  {.id = "g2", .healthy = true, .numa_nodes = {1}},
                                  {.id = "g3", .healthy = true, .numa_nodes = {1}}});
  state.model.ListReceived(kNic, {{.id = "n1", .healthy = true, .numa_nodes = {1}}});
  return state;
}

void Hold(State& state, const std::string& pod, const std::string& container,
          std::vector<std::string> ids) {
  state.pod_devices.Insert(pod, container, kGpu,
                           {.by_node = {{0, std::move(ids)}}, .response = ""});
}

TEST(PodLimitsTest, AppContainersAndSidecarsAddUp) {
  EXPECT_THAT(PodLimits(PodOf({{"side", ContainerKind::kSidecar, {{kGpu, 1}}},
                               App("a", {{kGpu, 2}}),
                               App("b", {{kGpu, 1}, {kNic, 1}})})),
              ElementsAre(Pair(kGpu, 4), Pair(kNic, 1)));
}

TEST(PodLimitsTest, AnInitContainerCountsWithTheSidecarsBeforeIt) {
  EXPECT_THAT(PodLimits(PodOf({{"side", ContainerKind::kSidecar, {{kGpu, 1}}},
                               {"init", ContainerKind::kInit, {{kGpu, 3}}},
                               {"late", ContainerKind::kSidecar, {{kGpu, 1}}},
                               App("a", {{kGpu, 1}})})),
              ElementsAre(Pair(kGpu, 4)));
  EXPECT_THAT(
      PodLimits(PodOf({{"init", ContainerKind::kInit, {{kGpu, 1}}}, App("a", {{kGpu, 2}})})),
      ElementsAre(Pair(kGpu, 2)));
}

TEST(AffinityTest, AContainersResourcesMeetOnOneNode) {
  const Pod pod = PodOf({App("a", {{kGpu, 2}, {kNic, 1}})});
  const Affinity affinity = AffinityOf(Node(), kRestricted, pod, pod.containers[0], {});
  EXPECT_TRUE(affinity.admitted);
  EXPECT_EQ(affinity.nodes, NumaMask({1}));
}

TEST(AffinityTest, DevicesInUseMakeItImpossible) {
  State state = Node();
  Hold(state, "other", "c", {"g2"});
  const Pod pod = PodOf({App("a", {{kGpu, 2}, {kNic, 1}})});
  EXPECT_FALSE(AffinityOf(state, kRestricted, pod, pod.containers[0], {}).admitted);
}

TEST(AffinityTest, UnhealthyDevicesAreNotAvailable) {
  State state = Node();
  state.model.ListReceived(kGpu, {{.id = "g0", .healthy = true, .numa_nodes = {0}},
                                  {.id = "g2", .healthy = false, .numa_nodes = {1}}});
  const Pod pod = PodOf({App("a", {{kGpu, 1}, {kNic, 1}})});
  EXPECT_FALSE(AffinityOf(state, kRestricted, pod, pod.containers[0], {}).admitted);
}

TEST(AffinityTest, WhatAContainerHoldsAlreadyIsWhereItStays) {
  State state = Node();
  Hold(state, "u", "a", {"g2"});
  const Pod pod = PodOf({App("a", {{kGpu, 1}})});
  EXPECT_EQ(AffinityOf(state, kRestricted, pod, pod.containers[0], {}).nodes, NumaMask({1}));
}

TEST(AffinityTest, WhatInitContainersLeftDrawsTheNextOne) {
  State state = Node();
  Hold(state, "u", "init", {"g2"});
  const Pod pod = PodOf({App("a", {{kGpu, 2}})});
  EXPECT_EQ(AffinityOf(state, kRestricted, pod, pod.containers[0], {{kGpu, {"g2"}}}).nodes,
            NumaMask({1}));
  EXPECT_EQ(AffinityOf(state, kRestricted, pod, pod.containers[0], {}).nodes, NumaMask({0}));
}

TEST(AffinityTest, ResourcesThatAreNoPluginsHaveNoSay) {
  const Pod pod = PodOf({App("a", {{"example.com/none", 7}, {kNic, 1}})});
  EXPECT_TRUE(AffinityOf(Node(), kRestricted, pod, pod.containers[0], {}).admitted);
}

TEST(AffinityTest, ContainersOfAPodMeetOnOneNodeWhenTheScopeIsThePod) {
  const Pod pod = PodOf({App("a", {{kGpu, 2}}), App("b", {{kNic, 1}})});
  EXPECT_EQ(AffinityOf(Node(), kRestricted, pod, pod.containers[0], {}).nodes, NumaMask({0}));
  EXPECT_EQ(AffinityOf(Node(), kRestricted, pod).nodes, NumaMask({1}));
}

TEST(AffinityTest, WhatAPodHoldsAlreadyIsWhereItStays) {
  State state = Node();
  Hold(state, "u", "a", {"g2"});
  Hold(state, "u", "b", {"g3"});
  EXPECT_EQ(
      AffinityOf(state, kRestricted, PodOf({App("a", {{kGpu, 1}}), App("b", {{kGpu, 1}})})).nodes,
      NumaMask({1}));
}

TEST(AffinityTest, WithoutAPolicyThereIsNone) {
  const Pod pod = PodOf({App("a", {{kGpu, 100}})});
  EXPECT_TRUE(AffinityOf(Node(), {}, pod).admitted);
  EXPECT_EQ(AffinityOf(Node(), {}, pod, pod.containers[0], {}).nodes, std::nullopt);
}

}  // namespace
}  // namespace nodedevice::devicemanager
