// The traps that a kubelet has for device plugins, each sprung on purpose with a plugin that knows
// nothing of it, and then not by ours.

#include <signal.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <future>
#include <memory>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "lib/kubelet/socket_identity.h"
#include "tests/cluster/stories/node.h"
#include "tests/cluster/stories/stage.h"
#include "tests/support/fake_plugin.h"
#include "tests/support/places.h"
#include "tests/support/temp_dir.h"
#include "tests/support/wait_for.h"

namespace nodedevice::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::chrono::milliseconds kPoll(5);
constexpr char kTrap[] = "example.com/trap";
constexpr char kOurs[] = "example.com/ours";

// node-device-plugin on a node, with one device of this name.
class OurPlugin {
 public:
  OurPlugin(const Node& node, const std::string& device, const fs::path& log)
      : device_(device),
        program_(node.OnNodesFiles(
                     {SourceRoot() / "build/release/bin/node-device-plugin", "--plugin",
                      absl::StrCat(R"({"name":"ours","resourceName":")", kOurs,
                                   R"(","static":{"devices":[{"id":")", device, R"("}]}})")}),
                 log) {}

  void End(int signal) {
    program_.Signal(signal);
    program_.Wait();
  }
  std::string Log() const { return program_.Output(); }
  // How often the kubelet has begun to follow its list.
  int Streams() const {
    const std::string log = Log();
    int count = 0;
    for (std::size_t at = 0; (at = log.find(": streaming", at)) != std::string::npos; ++at) ++count;
    return count;
  }
  // Whether it follows it still, as far as the plugin knows.
  bool IsFollowed() const { return Log().ends_with(": streaming\n"); }
  const std::string& device() const { return device_; }

 private:
  const std::string device_;
  Program program_;
};

class Traps : public ::testing::Test {
 public:
  static void SetUpTestSuite() { node_ = std::make_unique<Node>(Cluster(), "traps"); }
  static void TearDownTestSuite() { node_.reset(); }

 protected:
  const Node& node() const { return *node_; }
  fs::path Folder() const { return node_->kubelet_paths().device_plugins(); }
  KubeletView::Ids Healthy(const std::string& resource) const {
    return KubeletView(node_->kubelet_paths().pod_resources_socket()).Healthy()[resource];
  }
  bool WaitForHealthy(const std::string& resource, const KubeletView::Ids& ids) const {
    return WaitFor([&] { return Healthy(resource) == ids; }, kKubeletPace);
  }

  std::unique_ptr<OurPlugin> StartOurs(const std::string& device) {
    return std::make_unique<OurPlugin>(node(), device,
                                       logs_.path() / absl::StrCat("plugin", ++plugins_));
  }
  // Static devices are announced with a hash behind their name.
  bool IsOurs(const OurPlugin& plugin) const {
    const KubeletView::Ids healthy = Healthy(kOurs);
    return healthy.size() == 1 && healthy.begin()->starts_with(plugin.device());
  }
  bool WaitForOurs(const OurPlugin& plugin) const {
    return WaitFor([&] { return IsOurs(plugin); }, kKubeletPace);
  }

 private:
  static std::unique_ptr<Node> node_;
  TempDir logs_;
  int plugins_ = 0;
};
std::unique_ptr<Node> Traps::node_;

TEST_F(Traps, AnOldStreamEndsAfterTheNewRegistration) {
  {
    FakePlugin older(Folder() / "older.sock", {"a", "b"});
    ASSERT_TRUE(older.Register(kTrap).ok());
    ASSERT_TRUE(WaitForHealthy(kTrap, {"a", "b"}));
    FakePlugin newer(Folder() / "newer.sock", {"c", "d", "e"});
    ASSERT_TRUE(newer.Register(kTrap).ok());
    ASSERT_TRUE(WaitForHealthy(kTrap, {"c", "d", "e"}));
    // Nobody told the older one, and its list still counts.
    older.SetHealthy({"a"});
    EXPECT_TRUE(WaitForHealthy(kTrap, {"a"}));
    newer.SetHealthy({"c", "d", "e"});
    ASSERT_TRUE(WaitForHealthy(kTrap, {"c", "d", "e"}));
    older.EndStreams();
    EXPECT_TRUE(WaitFor([&] { return newer.cancelled_streams() == 1; }));
    EXPECT_TRUE(WaitForHealthy(kTrap, {}));
  }
  // Ours comes back each time, whatever the two of them and the kubelet do to each other meanwhile:
  // the older one may be on its way back itself, and the kubelet forgets some registrations.
  constexpr int kRounds = 10;
  int sprung = 0;
  auto plugin = StartOurs("round0");
  ASSERT_TRUE(WaitForOurs(*plugin)) << plugin->Log();
  for (int round = 1; round <= kRounds; ++round) {
    auto next = StartOurs(absl::StrCat("round", round));
    ASSERT_TRUE(WaitFor([&] { return next->Streams() > 0; })) << next->Log();
    plugin->End(SIGTERM);
    ASSERT_TRUE(WaitFor([&] { return next->IsFollowed() && IsOurs(*next); }, kKubeletPace))
        << plugin->Log() << next->Log();
    if (next->Streams() > 1) ++sprung;
    plugin = std::move(next);
  }
  std::printf("[     SEEN ] of %d newer plugins %d were cancelled with the older one\n", kRounds,
              sprung);
}

TEST_F(Traps, RegisterRightAfterEndingAStream) {
  int refused = 0;
  int lost = 0;
  {
    FakePlugin hasty(Folder() / "hasty.sock", {"a"});
    const auto is_followed = [&] { return hasty.open_streams() == 1; };
    ASSERT_TRUE(hasty.Register(kTrap).ok());
    ASSERT_TRUE(WaitFor(is_followed));
    for (int round = 0; round < 100; ++round) {
      hasty.EndStreams();
      while (!hasty.Register(kTrap).ok()) ++refused;
      // Accepted, which is not the end: the kubelet may yet see the end of the older stream, and
      // then it cancels this one, or never opens it.
      while (!WaitFor(is_followed, kPoll, std::chrono::milliseconds(200))) {
        ++lost;
        ASSERT_TRUE(hasty.Register(kTrap).ok());
      }
    }
  }
  std::printf(
      "[     SEEN ] of 100 registrations right after the end of a stream %d were refused and "
      "%d accepted and forgotten\n",
      refused, lost);
  const auto plugin = StartOurs("patient");
  ASSERT_TRUE(WaitForOurs(*plugin)) << plugin->Log();
  for (int round = 1; round <= 30; ++round) {
    const std::vector<fs::path> before = node().PluginSockets();
    ASSERT_EQ(before.size(), 1u);
    fs::remove(before[0]);
    ASSERT_TRUE(WaitFor([&] { return plugin->Streams() == 1 + round; })) << plugin->Log();
    ASSERT_TRUE(WaitForOurs(*plugin)) << plugin->Log();
  }
  // Not one of its registrations failed.
  EXPECT_THAT(plugin->Log(), Not(HasSubstr("trying again")));
}

TEST_F(Traps, RegisterWithoutASocketFile) {
  FakePlugin lost(Folder() / "lost.sock", {"a"});
  fs::remove(Folder() / "lost.sock");
  auto registering = std::async(std::launch::async, [&lost] {
    const Stopwatch watch;
    const grpc::Status status = lost.Register(kTrap);
    watch.Took("a registration without a socket file");
    return status;
  });
  // Ours is not held up by the one that hangs, and does not hang itself.
  const auto plugin = StartOurs("careful");
  ASSERT_TRUE(WaitForOurs(*plugin)) << plugin->Log();
  const std::vector<fs::path> before = node().PluginSockets();
  ASSERT_EQ(before.size(), 1u);
  const Stopwatch watch;
  fs::remove(before[0]);
  ASSERT_TRUE(WaitFor([&] { return plugin->Streams() == 2; })) << plugin->Log();
  ASSERT_TRUE(WaitForOurs(*plugin)) << plugin->Log();
  watch.Took("our socket file removed -> registered with another one");
  EXPECT_THAT(plugin->Log(), Not(HasSubstr("deadline exceeded")));
  EXPECT_THAT(registering.get().error_message(), HasSubstr("context deadline exceeded"));
}

TEST_F(Traps, SameInodeAfterAKubeletRestart) {
  const auto plugin = StartOurs("ctime");
  ASSERT_TRUE(WaitForOurs(*plugin)) << plugin->Log();
  const fs::path socket = node().kubelet_paths().registration_socket();
  int same = 0;
  for (int round = 1; round <= 10; ++round) {
    const auto before = ReadSocketIdentity(socket);
    node().RestartKubelet(SIGKILL);
    const auto after = ReadSocketIdentity(socket);
    ASSERT_TRUE(before && after);
    EXPECT_NE(*before, *after);
    same += before->inode == after->inode ? 1 : 0;
    ASSERT_TRUE(WaitForOurs(*plugin)) << plugin->Log();
  }
  std::printf("[     SEEN ] kubelet.sock had the same inode after %d of 10 restarts\n", same);
}

TEST_F(Traps, AStaleKubeletSock) {
  node().StopKubelet(SIGTERM);
  const fs::path socket = node().kubelet_paths().registration_socket();
  EXPECT_TRUE(ReadSocketIdentity(socket).has_value()) << "a kubelet that ends leaves its socket";
  EXPECT_FALSE(Connects(socket).ok());
  const auto plugin = StartOurs("waits");
  EXPECT_TRUE(WaitFor([&] {
    return plugin->Log().find("Connection refused") != std::string::npos;
  })) << plugin->Log();
  node().StartKubelet();
  EXPECT_TRUE(WaitForOurs(*plugin)) << plugin->Log();
}

TEST_F(Traps, OurRestartNeverLosesAResource200Rounds) {
  const Stopwatch watch;
  auto plugin = StartOurs("round0");
  ASSERT_TRUE(WaitForOurs(*plugin)) << plugin->Log();
  // Each round has a device of its own, so that only the newest plugin's list will do.
  for (int round = 1; round <= 200; ++round) {
    const std::string device = absl::StrCat("round", round);
    switch (round % 4) {
      case 0:
        plugin->End(SIGTERM);
        plugin = StartOurs(device);
        break;
      case 1:
        plugin->End(SIGKILL);
        plugin = StartOurs(device);
        break;
      case 2: {  // the older one ends while the newer one starts
        auto next = StartOurs(device);
        plugin->End(SIGTERM);
        plugin = std::move(next);
        break;
      }
      case 3: {  // and after it has registered
        auto next = StartOurs(device);
        ASSERT_TRUE(WaitFor([&] { return next->Streams() > 0; })) << next->Log();
        plugin->End(SIGKILL);
        plugin = std::move(next);
        break;
      }
    }
    ASSERT_TRUE(WaitForOurs(*plugin)) << "round " << round << "\n" << plugin->Log();
  }
  watch.Took("200 restarts of our plugin, each with its device back");
  EXPECT_TRUE(node().WaitUntilItShows(kOurs, {.capacity = 1, .allocatable = 1}));
  // What those that were killed left behind is gone.
  EXPECT_EQ(node().PluginSockets().size(), 1u);
}

}  // namespace
}  // namespace nodedevice::testing
