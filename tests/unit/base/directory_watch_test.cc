#include "lib/base/directory_watch.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "tests/support/run_until.h"
#include "tests/support/temp_dir.h"

namespace nodedevice {
namespace {

using testing::RunUntil;
using testing::TempDir;

// A caller as the header wants it: watches again after each hint.
class DirectoryWatchTest : public ::testing::Test {
 protected:
  void Watch(const std::string& relative) {
    directories_.insert(dir_.path() / relative);
    Rewatch();
  }

  void Rewatch() {
    const absl::Status status = watch_.Watch(directories_);
    ASSERT_TRUE(status.ok()) << status;
  }

  // Hints come late and merged: what counts is that one comes after what happened.
  bool HintComes() {
    const int before = hints_;
    return RunUntil(loop_, [&] { return hints_ > before; });
  }

  // Waits until nothing is said any more: a hint for `marker` is the last one.
  void Settle(const std::string& relative) {
    dir_.Write(relative, "");
    ASSERT_TRUE(HintComes());
  }

  TempDir dir_;
  EventLoop loop_;
  int hints_ = 0;
  std::set<std::filesystem::path> directories_;
  DirectoryWatch watch_{loop_, [this] {
                          ++hints_;
                          Rewatch();
                        }};
};

TEST_F(DirectoryWatchTest, HintsWhenAnEntryAppearsVanishesOrChanges) {
  dir_.Under("dev/x");
  Watch("dev");
  dir_.Write("dev/file", "");
  EXPECT_TRUE(HintComes()) << "created";
  std::filesystem::permissions(dir_.path() / "dev/file", std::filesystem::perms::owner_read);
  EXPECT_TRUE(HintComes()) << "attributes";
  std::filesystem::rename(dir_.path() / "dev/file", dir_.path() / "dev/other");
  EXPECT_TRUE(HintComes()) << "renamed";
  dir_.Remove("dev/other");
  EXPECT_TRUE(HintComes()) << "removed";
  std::filesystem::create_directory(dir_.path() / "dev/folder");
  EXPECT_TRUE(HintComes()) << "folder";
}

TEST_F(DirectoryWatchTest, SaysNothingWhenNothingHappens) {
  dir_.Under("dev/x");
  dir_.Under("other/x");
  Watch("dev");
  dir_.Write("other/file", "");
  bool witnessed = false;
  Timer witness(loop_, [&] { witnessed = true; });
  witness.After(std::chrono::milliseconds(20));
  ASSERT_TRUE(RunUntil(loop_, [&] { return witnessed; }));
  EXPECT_EQ(hints_, 0);
}

TEST_F(DirectoryWatchTest, ADirectoryThatIsCreatedLaterIsHintedAtAndThenWatched) {
  Watch("dev/bus/usb");
  std::filesystem::create_directory(dir_.path() / "dev");
  ASSERT_TRUE(HintComes());
  std::filesystem::create_directory(dir_.path() / "dev/bus");
  ASSERT_TRUE(HintComes());
  std::filesystem::create_directory(dir_.path() / "dev/bus/usb");
  ASSERT_TRUE(HintComes());
  dir_.Write("dev/bus/usb/001", "");
  EXPECT_TRUE(HintComes());
}

TEST_F(DirectoryWatchTest, ADirectoryThatIsCreatedAtOnceWithItsParentsIsWatched) {
  Watch("a/b/c");
  std::filesystem::create_directories(dir_.path() / "a/b/c");
  ASSERT_TRUE(HintComes());
  Rewatch();
  dir_.Write("a/b/c/entry", "");
  EXPECT_TRUE(HintComes());
}

TEST_F(DirectoryWatchTest, ADirectoryThatIsRemovedAndCreatedAgainIsWatchedAgain) {
  dir_.Under("device-plugins/x");
  Watch("device-plugins");
  dir_.Remove("device-plugins");
  ASSERT_TRUE(HintComes());
  std::filesystem::create_directory(dir_.path() / "device-plugins");
  ASSERT_TRUE(HintComes());
  Rewatch();
  dir_.Write("device-plugins/kubelet.sock", "");
  EXPECT_TRUE(HintComes());
}

TEST_F(DirectoryWatchTest, ADirectoryThatIsReplacedByAnotherOfItsNameIsWatched) {
  dir_.Under("dev/x");
  Watch("dev");
  std::filesystem::rename(dir_.path() / "dev", dir_.path() / "old");
  std::filesystem::create_directory(dir_.path() / "dev");
  ASSERT_TRUE(HintComes());
  Rewatch();
  dir_.Write("dev/entry", "");
  EXPECT_TRUE(HintComes());
}

TEST_F(DirectoryWatchTest, ADirectoryThatLeftTheSetIsSilent) {
  dir_.Under("a/x");
  dir_.Under("b/x");
  Watch("a");
  directories_.clear();
  Watch("b");
  Settle("b/marker");
  const int before = hints_;
  dir_.Write("a/file", "");
  dir_.Write("b/file", "");
  ASSERT_TRUE(HintComes());
  EXPECT_EQ(hints_, before + 1);
}

TEST_F(DirectoryWatchTest, ManyDirectoriesThatShareAParentAreOneWatch) {
  Watch("missing/one");
  Watch("missing/two");
  std::filesystem::create_directories(dir_.path() / "missing/two");
  ASSERT_TRUE(HintComes());
  Rewatch();
  dir_.Write("missing/two/entry", "");
  EXPECT_TRUE(HintComes());
}

}  // namespace
}  // namespace nodedevice
