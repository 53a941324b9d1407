// What happens to a node in production. After each fault, and without anybody's help: what runs
// keeps its devices, new pods get devices again.

#include <signal.h>

#include <filesystem>

#include "gmock/gmock.h"
#include "tests/cluster/stories/stage.h"
#include "tests/support/wait_for.h"

namespace nodedevice::testing {
namespace {

template <typename Deployed>
class Faults : public Scene<Deployed> {
 protected:
  void SetUp() override {
    ASSERT_TRUE(this->stage().WaitUntilWell());
    healthy_ = this->kubelet().Healthy();
    holder_ = &this->StartPod("holder", {{kFuse, 1}, {kStick, 1}});
    ASSERT_TRUE(holder_->WaitUntilRunning()) << holder_->Get().dump(2);
    held_ = this->kubelet().HeldBy("holder");
    ASSERT_EQ(held_.size(), 2u);
  }

  // Waits until it is as before. `watch` has run since the fault.
  void ExpectEverythingBack(const std::string& fault, const Stopwatch& watch) {
    ASSERT_TRUE(WaitFor([this] { return this->kubelet().Healthy() == healthy_; }, kKubeletPace))
        << this->stage().AgentSays("/readyz");
    watch.Took(fault + " -> every device is back at the kubelet");

    // A kubelet that has just started asks the API server first which pods it has.
    EXPECT_TRUE(WaitFor([this] { return holder_->Exec({"test", "-c", "/dev/fuse"}).code == 0; }));
    EXPECT_EQ(holder_->Phase(), "Running");
    EXPECT_EQ(holder_->Restarts(), 0);

    const Stopwatch created;
    const Pod& next = this->StartPod("next", {{kFuse, 1}, {kStick, 1}});
    ASSERT_TRUE(next.WaitUntilRunning()) << next.Get().dump(2);
    created.Took("a new pod with devices runs");
    const auto now = this->kubelet().HeldBy("next");
    for (const char* resource : {kFuse, kStick}) ASSERT_EQ(now.at(resource).size(), 1u);
    EXPECT_TRUE(this->node().WaitUntilItShows(kStick, {.capacity = 4, .allocatable = 4}));
    EXPECT_TRUE(this->stage().WaitUntilWell()) << this->stage().AgentSays("/readyz");
  }

  // The kubelet still knows what the older pod holds, and has given it to nobody else.
  void ExpectNothingForgotten() {
    EXPECT_EQ(this->kubelet().HeldBy("holder"), held_);
    const auto now = this->kubelet().HeldBy("next");
    for (const char* resource : {kFuse, kStick}) {
      EXPECT_FALSE(held_.at(resource).contains(*now.at(resource).begin())) << resource;
    }
  }

  pid_t OnlyAgent() const {
    const std::vector<pid_t> agents = this->node().Processes("node-device-agent");
    return agents.size() == 1 ? agents[0] : 0;
  }

 private:
  KubeletView::ByResource healthy_;
  const Pod* holder_ = nullptr;
  KubeletView::ByResource held_;
};
TYPED_TEST_SUITE(Faults, Deployments, DeploymentNames);

TYPED_TEST(Faults, TheKubeletIsKilledAndStartedAgain) {
  this->node().StopKubelet(SIGKILL);
  EXPECT_TRUE(WaitFor([this] {
    return this->stage().AgentSays("/readyz").find("Connection refused") != std::string::npos;
  }));
  const Stopwatch watch;
  this->node().StartKubelet();
  this->ExpectEverythingBack("the kubelet's start", watch);
  this->ExpectNothingForgotten();
}

TYPED_TEST(Faults, TheKubeletIsRestartedGently) {
  this->node().StopKubelet(SIGTERM);
  const Stopwatch watch;
  this->node().StartKubelet();
  this->ExpectEverythingBack("the kubelet's start", watch);
  this->ExpectNothingForgotten();
}

TYPED_TEST(Faults, ContainerdIsRestarted) {
  const Stopwatch watch;
  this->node().RestartContainerd();
  this->ExpectEverythingBack("containerd's restart", watch);
  this->ExpectNothingForgotten();
}

TYPED_TEST(Faults, TheDevicePluginsFolderIsRemovedAndTheKubeletRestarted) {
  // A plugin serves again at once when its socket goes, and so the folder may fill up meanwhile.
  const std::filesystem::path folder = this->node().kubelet_paths().device_plugins();
  ASSERT_TRUE(WaitFor([&folder] {
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
    return !std::filesystem::exists(folder, ignored);
  }));
  EXPECT_TRUE(WaitFor([this] {
    return this->stage().AgentSays("/readyz").find("kubelet makes it when it starts") !=
           std::string::npos;
  })) << this->stage().AgentSays("/readyz");
  const Stopwatch watch;
  this->node().RestartKubelet(SIGKILL);
  this->ExpectEverythingBack("the kubelet's restart", watch);
  // The kubelet's memory of who holds what was a file in that folder: it knows of new pods only.
  EXPECT_EQ(this->kubelet().HeldBy("holder"), KubeletView::ByResource());
}

TYPED_TEST(Faults, APluginIsKilled) {
  const std::vector<pid_t> plugins = this->node().Processes("node-device-plugin");
  ASSERT_EQ(plugins.size(), 3u);
  const Stopwatch watch;
  for (const pid_t plugin : plugins) ::kill(plugin, SIGKILL);
  ASSERT_TRUE(this->node().WaitForOthersThan(plugins, "node-device-plugin"));
  this->ExpectEverythingBack("three plugins killed", watch);
  this->ExpectNothingForgotten();
}

TYPED_TEST(Faults, TheAgentIsKilled) {
  const pid_t agent = this->OnlyAgent();
  ASSERT_NE(agent, 0);
  const std::vector<pid_t> plugins = this->node().Processes("node-device-plugin");
  const Stopwatch watch;
  ::kill(agent, SIGKILL);
  for (const pid_t plugin : plugins) {
    ASSERT_TRUE(WaitFor([plugin] { return HasEnded(plugin); })) << "an orphan";
  }
  ASSERT_TRUE(this->node().WaitForOthersThan(plugins, "node-device-plugin"));
  this->ExpectEverythingBack("the agent killed", watch);
  this->ExpectNothingForgotten();
  EXPECT_NE(this->OnlyAgent(), agent);
}

class Rollouts : public Faults<DaemonSet> {};

TEST_F(Rollouts, TheDaemonSetRolls) {
  const pid_t agent = this->OnlyAgent();
  ASSERT_NE(agent, 0);
  const Stopwatch watch;
  this->stage().RollDaemonSet();
  EXPECT_NE(this->OnlyAgent(), agent);
  this->ExpectEverythingBack("the DaemonSet rolled", watch);
  this->ExpectNothingForgotten();
}

TEST_F(Rollouts, AnEditedConfigMapIsFollowedWithoutARestart) {
  const pid_t agent = this->OnlyAgent();
  const std::vector<pid_t> plugins = this->node().Processes("node-device-plugin");
  const auto null = [this] { return this->kubelet().Healthy()["nodedevices.io/null"].size(); };
  const Stopwatch watch;
  this->stage().Announce(
      "  - {name: null, resourceName: nodedevices.io/null, "
      "paths: {groups: [{paths: [{path: /dev/null}]}]}}\n");
  // YAML takes null for nothing, and so this is refused: the last good one stays in force.
  EXPECT_TRUE(WaitFor([this] {
    return this->stage().AgentSays("/metrics").find("nodedevice_config_rejected 1") !=
           std::string::npos;
  }));
  watch.Took("a bad edit -> nodedevice_config_rejected 1");
  EXPECT_EQ(this->node().Processes("node-device-plugin"), plugins);
  this->stage().Announce(
      "  - {name: nothing, resourceName: nodedevices.io/null, "
      "paths: {groups: [{paths: [{path: /dev/null}]}]}}\n");
  const Stopwatch again;
  EXPECT_TRUE(WaitFor([&] { return null() == 1; }, kKubeletPace));
  again.Took("a good edit -> the new resource at the kubelet");
  // An entry that goes is withdrawn, and the others have noticed nothing.
  this->stage().Announce("");
  EXPECT_TRUE(WaitFor([&] { return null() == 0; }, kKubeletPace));
  EXPECT_TRUE(this->stage().WaitUntilWell());
  EXPECT_EQ(this->OnlyAgent(), agent);
  EXPECT_EQ(this->node().Processes("node-device-plugin"), plugins);
}

}  // namespace
}  // namespace nodedevice::testing
