#include "plugin/kubelet_picture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace nodedevice {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

void Add(const std::string& resource, const std::string& id, int node,
         v1::ContainerDevices* entry) {
  entry->set_resource_name(resource);
  entry->add_device_ids(id);
  entry->mutable_topology()->add_nodes()->set_id(node);
}

v1::ContainerResources* AddContainer(const std::string& pod, const std::string& container,
                                     v1::ListPodResourcesResponse& list) {
  v1::PodResources* resources = list.add_pod_resources();
  resources->set_namespace_("default");
  resources->set_name(pod);
  v1::ContainerResources* added = resources->add_containers();
  added->set_name(container);
  return added;
}

TEST(KubeletPictureTest, CountsADeviceOfTwoNumaNodesOnce) {
  v1::AllocatableResourcesResponse allocatable;
  Add("e.com/a", "x", 0, allocatable.add_devices());
  Add("e.com/a", "x", 1, allocatable.add_devices());
  Add("e.com/a", "y", 1, allocatable.add_devices());
  v1::ListPodResourcesResponse list;
  v1::ContainerResources* main = AddContainer("one", "main", list);
  Add("e.com/a", "x", 1, main->add_devices());
  Add("e.com/a", "x", 0, main->add_devices());
  const KubeletReport report = ToKubeletReport(allocatable, list);
  EXPECT_EQ(report.error, "");
  EXPECT_THAT(
      report.resources,
      ElementsAre(Pair("e.com/a", ResourceUse{.accepted = 2, .allocated = 1, .holders = 1})));
  ASSERT_THAT(report.holders, SizeIs(1));
  EXPECT_EQ(report.holders[0].count, 1u);
  EXPECT_THAT(report.holders[0].devices, ElementsAre("x"));
}

TEST(KubeletPictureTest, EqualPicturesAreEqualReportsInWhateverOrderTheyCome) {
  v1::ListPodResourcesResponse one_way;
  Add("e.com/a", "x", 0, AddContainer("one", "main", one_way)->add_devices());
  Add("e.com/b", "z", 0, AddContainer("two", "main", one_way)->add_devices());
  v1::ListPodResourcesResponse other_way;
  Add("e.com/b", "z", 0, AddContainer("two", "main", other_way)->add_devices());
  Add("e.com/a", "x", 0, AddContainer("one", "main", other_way)->add_devices());
  EXPECT_EQ(ToKubeletReport({}, one_way), ToKubeletReport({}, other_way));
}

TEST(KubeletPictureTest, AResourceThatIsHeldAndNotAcceptedIsThere) {
  v1::ListPodResourcesResponse list;
  Add("e.com/gone", "x", 0, AddContainer("one", "main", list)->add_devices());
  AddContainer("two", "holds-nothing", list);
  const KubeletReport report = ToKubeletReport({}, list);
  EXPECT_THAT(
      report.resources,
      ElementsAre(Pair("e.com/gone", ResourceUse{.accepted = 0, .allocated = 1, .holders = 1})));
  EXPECT_THAT(report.holders, SizeIs(1));
  EXPECT_THAT(ToKubeletReport({}, {}).resources, IsEmpty());
}

TEST(KubeletPictureTest, NamesSomeOfManyDevicesAndCountsAll) {
  v1::ListPodResourcesResponse list;
  v1::ContainerResources* main = AddContainer("one", "main", list);
  for (int i = 0; i < 100; ++i) Add("e.com/a", std::to_string(i), 0, main->add_devices());
  const KubeletReport report = ToKubeletReport({}, list);
  EXPECT_EQ(report.holders.at(0).count, 100u);
  EXPECT_THAT(report.holders.at(0).devices, SizeIs(kMaxHeldDevices));
}

}  // namespace
}  // namespace nodedevice
