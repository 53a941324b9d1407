#include "lib/kube/watched_file.h"

#include <filesystem>

#include "gtest/gtest.h"
#include "tests/support/temp_dir.h"

namespace nodedevice {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr TimePoint kStart = TimePoint() + std::chrono::hours(1);

class WatchedFileTest : public ::testing::Test {
 protected:
  // The content at `now`, or the message of the error.
  static std::string At(WatchedFile& file, TimePoint now) {
    const absl::StatusOr<std::string> content = file.Get(now);
    return content.ok() ? *content : std::string(content.status().message());
  }

  const testing::TempDir dir_;
};

TEST_F(WatchedFileTest, WithoutAPathItIsTheTextForEver) {
  WatchedFile file("", "text");
  EXPECT_EQ(At(file, kStart), "text");
  file.Forget();
  EXPECT_EQ(At(file, kStart + std::chrono::hours(9)), "text");
  WatchedFile nothing("", "");
  EXPECT_EQ(At(nothing, kStart), "");
}

TEST_F(WatchedFileTest, ItIsReadAgainAfterAMinute) {
  WatchedFile file(dir_.Write("token", "one"), "");
  EXPECT_EQ(At(file, kStart), "one");
  dir_.Write("token", "two");
  EXPECT_EQ(At(file, kStart + seconds(60) - milliseconds(1)), "one");
  EXPECT_EQ(At(file, kStart + seconds(60)), "two");
  dir_.Write("token", "three");
  EXPECT_EQ(At(file, kStart + seconds(119)), "two");
  EXPECT_EQ(At(file, kStart + seconds(120)), "three");
}

TEST_F(WatchedFileTest, ItIsReadAgainAtOnceWhenItWasRefused) {
  WatchedFile file(dir_.Write("token", "one"), "");
  EXPECT_EQ(At(file, kStart), "one");
  dir_.Write("token", "two");
  file.Forget();
  EXPECT_EQ(At(file, kStart), "two");
}

TEST_F(WatchedFileTest, AReadThatFailsKeepsWhatIsKnownAndIsTriedAgain) {
  WatchedFile file(dir_.Write("token", "one"), "");
  EXPECT_EQ(At(file, kStart), "one");
  dir_.Remove("token");
  EXPECT_EQ(At(file, kStart + seconds(60)), "one");
  file.Forget();
  EXPECT_EQ(At(file, kStart + seconds(61)), "one");
  dir_.Write("token", "");
  EXPECT_EQ(At(file, kStart + seconds(62)), "one") << "it is being written";
  dir_.Write("token", std::string((1 << 20) + 1, 'x'));
  EXPECT_EQ(At(file, kStart + seconds(63)), "one") << "too large for a credential";
  dir_.Write("token", "two");
  EXPECT_EQ(At(file, kStart + seconds(63)), "two") << "without another minute";
}

TEST_F(WatchedFileTest, WhatCouldNeverBeReadIsAnError) {
  const std::filesystem::path path = dir_.path() / "token";
  WatchedFile file(path, "");
  EXPECT_EQ(file.Get(kStart).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(At(file, kStart), path.string() + ": No such file or directory");
  dir_.Write("token", "");
  EXPECT_EQ(At(file, kStart), path.string() + " is empty");
  dir_.Write("token", "one");
  EXPECT_EQ(At(file, kStart), "one");
}

TEST_F(WatchedFileTest, TheFileWinsOverTheText) {
  WatchedFile file(dir_.path() / "token", "text");
  EXPECT_EQ(At(file, kStart), "text");
  dir_.Write("token", "file");
  EXPECT_EQ(At(file, kStart), "file");
}

TEST_F(WatchedFileTest, ASwappedSymbolicLinkIsFollowed) {
  // As the kubelet rotates a projected volume: token -> ..data/token, ..data -> ..1 becomes ..2.
  dir_.Write("..1/token", "one");
  dir_.Write("..2/token", "two");
  std::filesystem::create_directory_symlink("..1", dir_.path() / "..data");
  std::filesystem::create_symlink("..data/token", dir_.path() / "token");
  WatchedFile file(dir_.path() / "token", "");
  EXPECT_EQ(At(file, kStart), "one");
  std::filesystem::create_directory_symlink("..2", dir_.path() / "..tmp");
  std::filesystem::rename(dir_.path() / "..tmp", dir_.path() / "..data");
  std::filesystem::remove_all(dir_.path() / "..1");
  EXPECT_EQ(At(file, kStart + seconds(60)), "two");
}

}  // namespace
}  // namespace nodedevice
