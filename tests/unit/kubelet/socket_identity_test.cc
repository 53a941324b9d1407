#include "lib/kubelet/socket_identity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/temp_dir.h"
#include "tests/support/unix_listener.h"

namespace nodedevice {
namespace {

using ::testing::HasSubstr;
using testing::TempDir;
using testing::UnixListener;

TEST(SocketIdentityTest, IsTheSameForOneSocket) {
  const TempDir dir;
  const UnixListener listener(dir.path() / "s");
  const auto identity = ReadSocketIdentity(dir.path() / "s");
  ASSERT_TRUE(identity);
  EXPECT_EQ(identity, ReadSocketIdentity(dir.path() / "s"));
}

TEST(SocketIdentityTest, DiffersForASocketThatTookThePlaceOfAnother) {
  const TempDir dir;
  const UnixListener first(dir.path() / "s");
  const auto before = ReadSocketIdentity(dir.path() / "s");
  const UnixListener second(dir.path() / "other");
  std::filesystem::rename(dir.path() / "other", dir.path() / "s");
  EXPECT_NE(before, ReadSocketIdentity(dir.path() / "s"));
}

TEST(SocketIdentityTest, NothingAndOtherFilesHaveNone) {
  const TempDir dir;
  EXPECT_FALSE(ReadSocketIdentity(dir.path() / "nothing"));
  EXPECT_FALSE(ReadSocketIdentity(dir.Write("file", "")));
  EXPECT_FALSE(ReadSocketIdentity(dir.path()));
  const UnixListener listener(dir.path() / "s");
  std::filesystem::create_symlink("s", dir.path() / "link");
  EXPECT_FALSE(ReadSocketIdentity(dir.path() / "link"));
}

TEST(ConnectsTest, ToAListener) {
  const TempDir dir;
  const UnixListener listener(dir.path() / "s");
  EXPECT_TRUE(Connects(dir.path() / "s").ok());
}

TEST(ConnectsTest, AListenerWithAFullQueueIsAlive) {
  const TempDir dir;
  const UnixListener listener(dir.path() / "s", /*backlog=*/0);
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(Connects(dir.path() / "s").ok()) << i;
  std::vector<UniqueFd> waiting;  // held open, so that they fill the queue
  for (int i = 0; i < 5; ++i) waiting.push_back(testing::Dial(dir.path() / "s"));
  EXPECT_TRUE(Connects(dir.path() / "s").ok());
}

TEST(ConnectsTest, NotToASocketThatItsProcessLeftBehind) {
  const TempDir dir;
  { const UnixListener listener(dir.path() / "s"); }
  ASSERT_TRUE(ReadSocketIdentity(dir.path() / "s"));
  const absl::Status status = Connects(dir.path() / "s");
  EXPECT_FALSE(status.ok());
  EXPECT_THAT(std::string(status.message()), HasSubstr("Connection refused"));
  EXPECT_THAT(std::string(status.message()), HasSubstr((dir.path() / "s").string()));
}

TEST(ConnectsTest, NotToNothing) {
  const TempDir dir;
  EXPECT_TRUE(absl::IsNotFound(Connects(dir.path() / "s")));
}

TEST(SocketPathLengthTest, TakesWhatTheSystemTakesAndRefusesOneMore) {
  const std::filesystem::path longest = "/" + std::string(106, 'x');
  EXPECT_TRUE(CheckSocketPathLength(longest).ok());
  const absl::Status status = CheckSocketPathLength(longest.string() + "y");
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("has 108 characters, the system allows 107"));
  EXPECT_EQ(Connects(longest.string() + "y"), status);
}

}  // namespace
}  // namespace nodedevice
