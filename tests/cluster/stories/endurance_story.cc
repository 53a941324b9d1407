// Faults as they come in production, one after the other and two at a time, drawn from a seed; then
// everything must be as at the start. SEED=n draws others.

#include <signal.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <random>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "tests/cluster/stories/stage.h"
#include "tests/support/wait_for.h"

namespace nodedevice::testing {
namespace {

using ::testing::SizeIs;

constexpr int kRounds = 20;

template <typename Deployed>
class Endurance : public Scene<Deployed> {
 protected:
  struct Fault {
    const char* name;
    std::function<void()> happen;
    int at_most = kRounds;  // times: who goes on crashing is given longer pauses, up to a minute
  };

  std::vector<Fault> Faults() {
    const Node& node = this->node();
    std::vector<Fault> faults = {
        {"the kubelet is killed and started", [this] { RestartKubelet(SIGKILL); }},
        {"the kubelet is restarted", [this] { RestartKubelet(SIGTERM); }},
        {"containerd is restarted", [&node] { node.RestartContainerd(); }},
        {"every plugin is killed", [this] { End("node-device-plugin", SIGKILL); }, 2},
        {"the process that asks the kubelet is killed",
         [this] { End("device-observer", SIGKILL); }},
        {"a plugin is killed while the kubelet stands still",
         [this] {
           Signal("kubelet", SIGSTOP);
           const std::vector<pid_t> plugins = this->node().Processes("node-device-plugin");
           if (!plugins.empty()) {
             const pid_t plugin = plugins[random_() % plugins.size()];
             ::kill(plugin, SIGKILL);
             WaitFor([plugin] { return HasEnded(plugin); });
           }
           Signal("kubelet", SIGCONT);
         },
         2},
        {"a device is pulled and plugged",
         [&node] {
           node.Unplug("stick3");
           WaitFor([&] { return node.Shows(kStick).allocatable == 3; });
           node.Plug("stick3");
         }},
        {"our sockets are removed",
         [&node] {
           const auto sockets = node.PluginSockets();
           for (const auto& socket : sockets) std::filesystem::remove(socket);
           // Each plugin makes another one.
           WaitFor([&] { return node.PluginSockets().size() >= sockets.size(); });
         }},
        {"a pod comes and goes",
         [this] {
           const Pod& pod =
               this->StartPod(absl::StrCat("guest", ++guests_), {{kFuse, 2}, {kStick, 1}});
           EXPECT_TRUE(pod.WaitUntilRunning()) << pod.Get().dump(2);
           pod.Delete();
         }},
    };
    if constexpr (Deployed::kDeployment == Deployment::kDaemonSet) {
      faults.push_back({"the DaemonSet rolls", [this] { this->stage().RollDaemonSet(); }});
    } else {
      faults.push_back({"the agent is killed", [this] { End("node-device-agent", SIGKILL); }});
      faults.push_back({"the agent is ended", [this] { End("node-device-agent", SIGTERM); }});
    }
    return faults;
  }

  // Returns when it has heard from the API server, too. A pod that comes before is rejected when it
  // needs a device of a pod that was deleted: the kubelet has it in its book until then.
  void RestartKubelet(int signal) {
    this->node().RestartKubelet(signal);
    EXPECT_TRUE(WaitFor([this] { return spare_->Exec({"true"}).code == 0; }));
  }

  void Signal(const std::string& program, int signal) {
    for (const pid_t pid : this->node().Processes(program)) ::kill(pid, signal);
  }

  // Signals all of them and returns when there are as many new ones, or more: an earlier fault may
  // have left one that is yet to come back.
  void End(const std::string& program, int signal) {
    const std::vector<pid_t> before = this->node().Processes(program);
    Signal(program, signal);
    EXPECT_TRUE(this->node().WaitForOthersThan(before, program)) << program;
  }

  std::mt19937 random_;
  const Pod* spare_ = nullptr;  // runs all the time
  int guests_ = 0;
};
TYPED_TEST_SUITE(Endurance, Deployments, DeploymentNames);

TYPED_TEST(Endurance, TwentyRoundsOfRandomFaults) {
  const char* given = std::getenv("SEED");
  const std::uint32_t seed =
      given == nullptr || *given == '\0' ? 1 : std::strtoul(given, nullptr, 10);
  std::printf("[     SEED ] SEED=%u\n", seed);
  this->random_.seed(seed);

  ASSERT_TRUE(this->stage().WaitUntilWell());
  const KubeletView::ByResource healthy = this->kubelet().Healthy();
  // Three of the four sticks; whether the one that is pulled is among them is for the kubelet to
  // say.
  const Pod& spare = this->StartPod("spare", {{kStick, 3}, {kFuse, 1}});
  ASSERT_TRUE(spare.WaitUntilRunning()) << spare.Get().dump(2);
  this->spare_ = &spare;
  const KubeletView::ByResource held = this->kubelet().HeldBy("spare");
  ASSERT_THAT(held.at(kStick), SizeIs(3));

  auto faults = this->Faults();
  for (int round = 1; round <= kRounds; ++round) {
    const Stopwatch watch;
    std::string what;
    // Every third time two of them, without a pause to recover.
    for (int i = 0; i < (round % 3 == 0 ? 2 : 1); ++i) {
      const auto fault = faults.begin() + static_cast<int>(this->random_() % faults.size());
      absl::StrAppend(&what, what.empty() ? "" : "; ", fault->name);
      fault->happen();
      if (--fault->at_most == 0) faults.erase(fault);
    }
    ASSERT_TRUE(this->stage().WaitUntilWell())
        << "round " << round << ", " << what << ": " << this->stage().AgentSays("/readyz");
    watch.Took(absl::StrCat("round ", round, ", ", what));
  }

  EXPECT_EQ(this->kubelet().Healthy(), healthy);
  EXPECT_TRUE(WaitFor([&] { return this->kubelet().HeldBy("spare") == held; }, kKubeletPace));
  EXPECT_EQ(spare.Phase(), "Running");
  EXPECT_EQ(spare.Restarts(), 0);
  EXPECT_TRUE(WaitFor([&] { return spare.Exec({"test", "-c", "/dev/fuse"}).code == 0; }));
  for (const char* resource : {kFuse, kKvm, kStick}) {
    const int count = static_cast<int>(healthy.at(resource).size());
    EXPECT_TRUE(this->node().WaitUntilItShows(resource, {.capacity = count, .allocatable = count}));
  }
  // Nobody and nothing is left over.
  EXPECT_THAT(this->node().Processes("node-device-agent"), SizeIs(1));
  EXPECT_THAT(this->node().Processes("node-device-plugin"), SizeIs(3));
  EXPECT_TRUE(WaitFor([this] { return this->node().Processes("device-observer").size() == 1; }));
  EXPECT_THAT(this->node().PluginSockets(), SizeIs(3));
  const Pod& last = this->StartPod("last", {{kFuse, 1}, {kKvm, 1}, {kStick, 1}});
  EXPECT_TRUE(last.WaitUntilRunning()) << last.Get().dump(2);
}

}  // namespace
}  // namespace nodedevice::testing
