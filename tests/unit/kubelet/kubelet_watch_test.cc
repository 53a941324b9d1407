#include "lib/kubelet/kubelet_watch.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "lib/base/unique_fd.h"
#include "tests/support/run_until.h"
#include "tests/support/temp_dir.h"
#include "tests/support/unix_listener.h"

namespace nodedevice {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::RunUntil;
using testing::TempDir;
using testing::UnixListener;

class KubeletWatchTest : public ::testing::Test {
 protected:
  void MakeFolder() { std::filesystem::create_directories(paths_.device_plugins()); }
  void StartKubelet() { kubelet_ = std::make_unique<UnixListener>(paths_.registration_socket()); }
  // Killed: its socket stays.
  void KillKubelet() { kubelet_.reset(); }
  void RemoveSocket() { std::filesystem::remove(paths_.registration_socket()); }

  bool Becomes(std::size_t transitions) {
    return RunUntil(loop_, [this, transitions] { return seen_.size() >= transitions; });
  }

  TempDir dir_;
  KubeletPaths paths_{dir_.path() / "kubelet"};
  EventLoop loop_;
  std::vector<Transition> seen_;
  int looks_ = 0;
  std::unique_ptr<UnixListener> kubelet_;
  KubeletWatch watch_{loop_,
                      paths_,
                      {.on_transition = [this](Transition t) { seen_.push_back(t); },
                       .on_look = [this] { ++looks_; }}};
};

TEST_F(KubeletWatchTest, KnowsAMountOfAFolderThatWasRemoved) {
  // What a container sees of it: a path that leads to a folder without a name.
  const auto removed = dir_.path() / "removed";
  std::filesystem::create_directories(removed);
  std::filesystem::create_directories(paths_.root());
  const UniqueFd mount(::open(removed.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  std::filesystem::create_symlink("/proc/self/fd/" + std::to_string(mount.get()),
                                  paths_.device_plugins());
  watch_.Start();
  EXPECT_FALSE(watch_.folder_lost());
  EXPECT_THAT(watch_.problem(), HasSubstr("kubelet.sock does not exist"));
  std::filesystem::remove(removed);
  watch_.Look();
  EXPECT_TRUE(watch_.folder_lost());
  EXPECT_THAT(watch_.problem(), HasSubstr("was removed from the node"));
}

TEST_F(KubeletWatchTest, AMissingFolderIsNotALostOne) {
  watch_.Start();
  EXPECT_FALSE(watch_.folder_lost());
}

TEST_F(KubeletWatchTest, LooksAtOnceWhenStarted) {
  MakeFolder();
  StartKubelet();
  EXPECT_FALSE(watch_.up());
  watch_.Start();
  EXPECT_THAT(seen_, ElementsAre(Transition::kUp));
  EXPECT_EQ(looks_, 1);
  EXPECT_TRUE(watch_.up());
  EXPECT_EQ(watch_.problem(), "");
}

TEST_F(KubeletWatchTest, SaysWhyThereIsNoKubelet) {
  watch_.Start();
  EXPECT_THAT(watch_.problem(), HasSubstr("device-plugins does not exist"));
  MakeFolder();
  watch_.Look();
  EXPECT_THAT(watch_.problem(), HasSubstr("kubelet.sock does not exist"));
  StartKubelet();
  KillKubelet();
  watch_.Look();
  EXPECT_THAT(watch_.problem(), HasSubstr("Connection refused"));
  EXPECT_THAT(seen_, IsEmpty());
}

TEST_F(KubeletWatchTest, SeesAKubeletThatStartsLaterEvenWithoutItsFolder) {
  watch_.Start();
  MakeFolder();
  StartKubelet();
  ASSERT_TRUE(Becomes(1));
  EXPECT_THAT(seen_, ElementsAre(Transition::kUp));
}

TEST_F(KubeletWatchTest, SeesThatTheSocketIsRemoved) {
  MakeFolder();
  StartKubelet();
  watch_.Start();
  KillKubelet();
  RemoveSocket();
  ASSERT_TRUE(Becomes(2));
  EXPECT_THAT(seen_, ElementsAre(Transition::kUp, Transition::kDown));
}

TEST_F(KubeletWatchTest, SeesAKilledKubeletWhenAskedToLook) {
  MakeFolder();
  StartKubelet();
  watch_.Start();
  KillKubelet();
  watch_.Look();
  EXPECT_THAT(seen_, ElementsAre(Transition::kUp, Transition::kDown));
}

TEST_F(KubeletWatchTest, SeesAKilledKubeletByItself) {
  MakeFolder();
  StartKubelet();
  KubeletWatch often(loop_, paths_,
                     {.on_transition = [this](Transition t) { seen_.push_back(t); }, .on_look = {}},
                     std::chrono::milliseconds(10));
  often.Start();
  KillKubelet();
  ASSERT_TRUE(Becomes(2)) << "no event tells of it";
  EXPECT_THAT(seen_, ElementsAre(Transition::kUp, Transition::kDown));
}

TEST_F(KubeletWatchTest, SeesARestartThatHappenedBetweenTwoLooks) {
  MakeFolder();
  StartKubelet();
  watch_.Start();
  // The new socket is there before the old one goes: never was nothing there.
  const UnixListener next(paths_.device_plugins() / "next");
  std::filesystem::rename(paths_.device_plugins() / "next", paths_.registration_socket());
  ASSERT_TRUE(Becomes(2));
  EXPECT_THAT(seen_, ElementsAre(Transition::kUp, Transition::kReplaced));
}

TEST_F(KubeletWatchTest, AStaleSocketThatIsTakenOverIsUp) {
  MakeFolder();
  StartKubelet();
  KillKubelet();
  watch_.Start();
  EXPECT_THAT(seen_, IsEmpty());
  RemoveSocket();
  StartKubelet();
  ASSERT_TRUE(Becomes(1));
  EXPECT_THAT(seen_, ElementsAre(Transition::kUp));
}

TEST_F(KubeletWatchTest, TheFolderMayBeRemovedAndComeBack) {
  MakeFolder();
  StartKubelet();
  watch_.Start();
  KillKubelet();
  std::filesystem::remove_all(paths_.root());
  ASSERT_TRUE(Becomes(2));
  MakeFolder();
  StartKubelet();
  ASSERT_TRUE(Becomes(3));
  EXPECT_THAT(seen_, ElementsAre(Transition::kUp, Transition::kDown, Transition::kUp));
}

TEST_F(KubeletWatchTest, TellsOfLooksThatChangedNothing) {
  MakeFolder();
  StartKubelet();
  watch_.Start();
  std::filesystem::create_directory(paths_.device_plugins() / "somebody");
  ASSERT_TRUE(RunUntil(loop_, [this] { return looks_ > 1; }));
  EXPECT_THAT(seen_, ElementsAre(Transition::kUp));
}

TEST(KubeletPathsTest, AreThoseOfANode) {
  const KubeletPaths paths(kDefaultKubeletDir);
  EXPECT_EQ(paths.registration_socket(), "/var/lib/kubelet/device-plugins/kubelet.sock");
  EXPECT_EQ(paths.checkpoint(), "/var/lib/kubelet/device-plugins/kubelet_internal_checkpoint");
  EXPECT_EQ(paths.plugins_registry(), "/var/lib/kubelet/plugins_registry");
  EXPECT_EQ(paths.pod_resources_socket(), "/var/lib/kubelet/pod-resources/kubelet.sock");
}

}  // namespace
}  // namespace nodedevice
