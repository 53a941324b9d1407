#include "devicemanager/pod_resources.h"

#include <array>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace nodedevice::devicemanager {
namespace {

constexpr char kResource[] = "example.com/a";

State Node() {
  State state;
  state.model.Connected(kResource, 1, {});
  state.model.ListReceived(kResource, {{.id = "plain", .healthy = true, .numa_nodes = {}},
                                       {.id = "spread", .healthy = true, .numa_nodes = {0, 1}},
                                       {.id = "sick", .healthy = false, .numa_nodes = {}}});
  state.pods["u1"] = {.name = "p",
                      .namespace_name = "lab",
                      .uid = "u1",
                      .containers = {{"init", ContainerKind::kInit, {}},
                                     {"side", ContainerKind::kSidecar, {}},
                                     {"main", ContainerKind::kApp, {}}}};
  state.pod_devices.Insert("u1", "init", kResource,
                           {.by_node = {{kNoNumaNode, {"plain"}}}, .response = ""});
  state.pod_devices.Insert("u1", "main", kResource,
                           {.by_node = {{0, {"spread"}}, {1, {"spread"}}}, .response = ""});
  return state;
}

TEST(PodResourcesTest, ListShowsAppContainersAndSidecarsWithOneEntryPerDeviceAndNode) {
  const auto response = ListPodResources(Node());
  ASSERT_EQ(response.pod_resources_size(), 1);
  const v1::PodResources& pod = response.pod_resources(0);
  EXPECT_EQ(pod.name(), "p");
  EXPECT_EQ(pod.namespace_(), "lab");
  ASSERT_EQ(pod.containers_size(), 2);
  EXPECT_EQ(pod.containers(0).name(), "side");
  EXPECT_EQ(pod.containers(0).devices_size(), 0);
  const v1::ContainerResources& main = pod.containers(1);
  EXPECT_EQ(main.name(), "main");
  ASSERT_EQ(main.devices_size(), 2);
  for (int node = 0; node < 2; ++node) {
    EXPECT_EQ(main.devices(node).resource_name(), kResource);
    ASSERT_EQ(main.devices(node).device_ids_size(), 1);
    EXPECT_EQ(main.devices(node).device_ids(0), "spread");
    EXPECT_EQ(main.devices(node).topology().nodes(0).id(), node);
  }
}

// pod, container, resource, device: what both APIs tell of an app container.
using Told = std::vector<std::array<std::string, 4>>;

template <typename Response>
Told AppDevicesIn(const Response& response, const std::string& app) {
  Told told;
  for (const auto& pod : response.pod_resources()) {
    for (const auto& container : pod.containers()) {
      if (container.name() != app) continue;
      for (const auto& devices : container.devices()) {
        for (const std::string& id : devices.device_ids()) {
          told.push_back(
              {pod.namespace_() + "/" + pod.name(), container.name(), devices.resource_name(), id});
        }
      }
    }
  }
  return told;
}

TEST(PodResourcesTest, TheOlderApiSaysTheSameOfAppContainersAndNothingOfOthers) {
  State node = Node();
  node.pod_devices.Insert("u1", "side", kResource,
                          {.by_node = {{kNoNumaNode, {"of the sidecar"}}}, .response = ""});
  const auto response = ListPodResourcesAlpha(node);
  const Told told = AppDevicesIn(response, "main");
  EXPECT_EQ(told, AppDevicesIn(ListPodResources(node), "main"));
  EXPECT_EQ(told, Told(2, {"lab/p", "main", kResource, "spread"})) << "once for each NUMA node";
  ASSERT_EQ(response.pod_resources_size(), 1);
  ASSERT_EQ(response.pod_resources(0).containers_size(), 1);
  EXPECT_EQ(response.pod_resources(0).containers(0).devices(0).device_ids_size(), 1);
}

TEST(PodResourcesTest, AllocatableResourcesAreTheHealthyDevices) {
  const auto response = AllocatableResources(Node());
  ASSERT_EQ(response.devices_size(), 3);
  EXPECT_EQ(response.devices(0).device_ids(0), "plain");
  EXPECT_FALSE(response.devices(0).has_topology());
  EXPECT_EQ(response.devices(1).device_ids(0), "spread");
  EXPECT_EQ(response.devices(1).topology().nodes(0).id(), 0);
  EXPECT_EQ(response.devices(2).topology().nodes(0).id(), 1);
}

TEST(PodResourcesTest, GetFindsByNameAndNamespace) {
  const auto found = GetPodResources(Node(), "lab", "p");
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->pod_resources().name(), "p");
  EXPECT_FALSE(GetPodResources(Node(), "default", "p").has_value());
  EXPECT_FALSE(GetPodResources(Node(), "lab", "q").has_value());
}

}  // namespace
}  // namespace nodedevice::devicemanager
