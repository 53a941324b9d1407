// The main job on a real kubelet: what the agent announces, the scheduler counts, the kubelet hands
// out and the container sees.

#include "gmock/gmock.h"
#include "tests/cluster/stories/stage.h"
#include "tests/support/wait_for.h"

namespace nodedevice::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::SizeIs;

template <typename Deployed>
class Pods : public Scene<Deployed> {};
TYPED_TEST_SUITE(Pods, Deployments, DeploymentNames);

TYPED_TEST(Pods, ResourcesAppearInCapacityAndAllocatable) {
  EXPECT_TRUE(this->node().WaitUntilItShows(kFuse, {.capacity = 10, .allocatable = 10}));
  EXPECT_TRUE(this->node().WaitUntilItShows(kKvm, {.capacity = 10, .allocatable = 10}));
  EXPECT_TRUE(this->node().WaitUntilItShows(kStick, {.capacity = 4, .allocatable = 4}));
}

TYPED_TEST(Pods, APodGetsItsDevicesAndSeesTheirNodes) {
  const Pod& pod = this->StartPod("both", {{kFuse, 1}, {kKvm, 1}});
  ASSERT_TRUE(pod.WaitUntilRunning()) << pod.Get().dump(2);
  EXPECT_EQ(pod.Exec({"test", "-c", "/dev/fuse"}).code, 0);
  EXPECT_EQ(pod.Exec({"test", "-c", "/dev/kvm"}).code, 0);
  // It may open what it was given: the device cgroup was told, too.
  const bool fuse_works = this->node().Run({"sh", "-c", ": </dev/fuse"}).code == 0;
  const CommandResult opened = pod.Exec({"sh", "-c", ": </dev/fuse"});
  EXPECT_EQ(opened.code == 0, fuse_works) << opened.error;
  // What it did not ask for is not there.
  EXPECT_NE(pod.Exec({"test", "-e", "/dev/stick0"}).code, 0);
  EXPECT_THAT(this->kubelet().HeldBy("both"),
              ElementsAre(Pair(kKvm, SizeIs(1)), Pair(kFuse, SizeIs(1))));
}

TYPED_TEST(Pods, ItsStatusSaysThatTheDeviceIsHealthy) {
  const Pod& pod = this->StartPod("status", {{kFuse, 1}});
  ASSERT_TRUE(pod.WaitUntilRunning());
  ASSERT_TRUE(WaitFor([&] { return !pod.ResourceHealth().empty(); })) << pod.Get().dump(2);
  const auto held = this->kubelet().HeldBy("status").at(kFuse);
  EXPECT_THAT(pod.ResourceHealth(),
              ElementsAre(Pair(kFuse, ElementsAre(Pair(*held.begin(), "Healthy")))));
}

TYPED_TEST(Pods, APulledDeviceIsUnhealthyInThePodsStatusUntilItIsBack) {
  const Pod& pod = this->StartPod("stick", {{kStick, 1}});
  ASSERT_TRUE(pod.WaitUntilRunning());
  const std::string id = *this->kubelet().HeldBy("stick").at(kStick).begin();
  const std::string name = id.substr(0, id.find('-'));  // "stick2-<hash>"
  const auto health = [&] { return pod.ResourceHealth()[kStick][id]; };

  const Stopwatch pulled;
  this->node().Unplug(name);
  EXPECT_TRUE(WaitFor([&] { return health() == "Unhealthy"; })) << pod.Get().dump(2);
  pulled.Took("pulled -> Unhealthy in the pod's status");
  EXPECT_TRUE(this->node().WaitUntilItShows(kStick, {.capacity = 4, .allocatable = 3}));
  EXPECT_THAT(this->stage().AgentSays("/metrics"), HasSubstr("/dev/" + name + " is gone"));

  const Stopwatch plugged;
  this->node().Plug(name);
  EXPECT_TRUE(WaitFor([&] { return health() == "Healthy"; })) << pod.Get().dump(2);
  plugged.Took("plugged -> Healthy in the pod's status");
  EXPECT_TRUE(this->node().WaitUntilItShows(kStick, {.capacity = 4, .allocatable = 4}));
}

TYPED_TEST(Pods, TheAgentsMetricsShowWhoHoldsADevice) {
  EXPECT_TRUE(
      this->stage().WaitUntilAgentSays("devices_accepted{resource=\"nodedevices.io/fuse\"} 10"));
  const std::string none = "devices_allocated{resource=\"nodedevices.io/fuse\"} 0";
  ASSERT_TRUE(this->stage().WaitUntilAgentSays(none)) << this->stage().AgentSays("/metrics");
  const Pod& pod = this->StartPod("metrics", {{kFuse, 1}});
  ASSERT_TRUE(pod.WaitUntilRunning()) << pod.Get().dump(2);
  const Stopwatch held;
  EXPECT_TRUE(
      this->stage().WaitUntilAgentSays("devices_allocated{resource=\"nodedevices.io/fuse\"} 1"));
  held.Took("a pod runs -> nodedevice_devices_allocated");
  EXPECT_THAT(
      this->stage().AgentSays("/metrics"),
      HasSubstr("nodedevice_pod_devices{resource=\"nodedevices.io/fuse\",namespace=\"" +
                this->stage().namespace_name() + "\",pod=\"metrics\",container=\"main\"} 1\n"));
  pod.Delete();
  const Stopwatch freed;
  EXPECT_TRUE(this->stage().WaitUntilAgentSays(none)) << this->stage().AgentSays("/metrics");
  freed.Took("a pod is gone -> nodedevice_devices_allocated");
}

TYPED_TEST(Pods, TheSchedulerHoldsAPodBackUntilADeviceIsFree) {
  const Pod& all = this->StartPod("all", {{kStick, 4}});
  ASSERT_TRUE(all.WaitUntilRunning());
  const Pod& next = this->StartPod("next", {{kStick, 1}});
  EXPECT_TRUE(WaitFor([&] {
    return next.Get().dump().find("Insufficient nodedevices.io/stick") != std::string::npos;
  })) << next.Get().dump(2);
  all.Delete();
  EXPECT_TRUE(next.WaitUntilRunning()) << next.Get().dump(2);
}

}  // namespace
}  // namespace nodedevice::testing
