// Somebody else's plugin, run by the agent as it is: Kubernetes' own sample, which is made as most
// vendors' are. It tells the agent nothing, so the kubelet's word on its resource counts.

#include <signal.h>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "tests/cluster/stories/stage.h"
#include "tests/support/places.h"
#include "tests/support/wait_for.h"

namespace nodedevice::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

// What the sample announces: two devices, Dev-1 and Dev-2.
constexpr char kSample[] = "example.com/resource";
constexpr char kProgram[] = "sample-device-plugin";

class Exec : public Scene<Service> {
 protected:
  void SetUp() override {
    ASSERT_TRUE(stage().WaitUntilWell());
    stage().Announce(absl::StrCat("  - {name: sample, resourceName: ", kSample,
                                  ", exec: {command: [", SourceRoot().string(),
                                  "/build/cluster/bin/", kProgram, "]}}\n"));
    ASSERT_TRUE(WaitUntilAccepted()) << stage().AgentSays("/");
    process_ = node().Processes(kProgram);
    ASSERT_THAT(process_, SizeIs(1));
  }
  void TearDown() override {
    Scene<Service>::TearDown();
    stage().Announce("");
    EXPECT_TRUE(WaitFor([this] { return node().Processes(kProgram).empty(); }));
  }

  bool WaitUntilAccepted() const {
    return WaitFor([this] { return kubelet().Healthy()[kSample].size() == 2; }, kKubeletPace) &&
           stage().WaitUntilAgentSays(Accepted(2));
  }
  static std::string Accepted(int devices) {
    return absl::StrCat("devices_accepted{resource=\"", kSample, "\"} ", devices);
  }
  static std::string Restarts(int times) {
    return absl::StrCat("plugin_restarts_total{plugin=\"sample\",reason=\"not_registered\"} ",
                        times);
  }

  std::vector<pid_t> process_;
};

TEST_F(Exec, ItsDevicesAreAcceptedAndHeldAsTheKubeletSays) {
  EXPECT_TRUE(node().WaitUntilItShows(kSample, {.capacity = 2, .allocatable = 2}));
  EXPECT_TRUE(stage().WaitUntilAgentSays("plugin_up{plugin=\"sample\"} 1"));
  const Pod& pod = StartPod("holder", {{kSample, 1}});
  ASSERT_TRUE(pod.WaitUntilRunning()) << pod.Get().dump(2);
  EXPECT_TRUE(
      stage().WaitUntilAgentSays(absl::StrCat("devices_allocated{resource=\"", kSample, "\"} 1")))
      << stage().AgentSays("/metrics");
  EXPECT_THAT(stage().AgentSays("/"), HasSubstr(*kubelet().HeldBy("holder").at(kSample).begin()));
}

TEST_F(Exec, ItNoticesARestartOfTheKubeletAndKeepsItsProcess) {
  const Stopwatch watch;
  node().RestartKubelet(SIGTERM);
  // The new kubelet knows it not, at first: an old number is no proof.
  ASSERT_TRUE(WaitFor([this] { return kubelet().Healthy()[kSample].empty(); }, kKubeletPace));
  EXPECT_TRUE(WaitUntilAccepted()) << stage().AgentSays("/");
  watch.Took("a restart of the kubelet -> the sample is accepted again");
  EXPECT_TRUE(stage().WaitUntilWell()) << stage().AgentSays("/readyz");
  EXPECT_EQ(node().Processes(kProgram), process_);
  EXPECT_TRUE(stage().WaitUntilAgentSays(Restarts(0)));
}

TEST_F(Exec, ItIsRestartedWhenItHangsAndDoesNotNotice) {
  ASSERT_EQ(::kill(process_[0], SIGSTOP), 0);
  const Stopwatch watch;
  node().RestartKubelet(SIGKILL);
  EXPECT_TRUE(stage().WaitUntilAgentSays(Restarts(1))) << stage().AgentSays("/");
  watch.Took("a restart of the kubelet -> it is known that the sample has not noticed");
  EXPECT_TRUE(node().WaitForOthersThan(process_, kProgram));
  EXPECT_TRUE(WaitUntilAccepted()) << stage().AgentSays("/");
  watch.Took("a restart of the kubelet -> another sample is accepted");
  EXPECT_TRUE(stage().WaitUntilWell()) << stage().AgentSays("/readyz");
}

}  // namespace
}  // namespace nodedevice::testing
