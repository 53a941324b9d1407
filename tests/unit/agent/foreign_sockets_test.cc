#include "agent/foreign_sockets.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/temp_dir.h"
#include "tests/support/unix_listener.h"

namespace nodedevice::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

TEST(ListeningSocketsTest, TakesThoseThatAcceptConnectionsAndHaveAPath) {
  EXPECT_THAT(
      ListeningSockets(
          "Num       RefCount Protocol Flags    Type St Inode Path\n"
          "ffff88810a: 00000002 00000000 00010000 0001 01   101 /run/a b.sock\n"
          "ffff88810b: 00000003 00000000 00000000 0001 03   102 /run/connected.sock\n"
          "ffff88810c: 00000002 00000000 00010000 0001 01   103 @abstract\n"
          "ffff88810d: 00000002 00000000 00010000 0001 01   104\n"
          "ffff88810e: 00000002 00000000 00010000 0001 01   105 relative.sock\n"
          "ffff88810f: 00000002 00000000 00010000 0005 01 18446744073709551615 /run/large.sock\n"),
      ElementsAre(Pair(101u, "/run/a b.sock"), Pair(18446744073709551615u, "/run/large.sock")));
}

TEST(ListeningSocketsTest, TwoClaimsToOneSocketAreNone) {
  // The second "line" is what somebody named his socket.
  EXPECT_THAT(ListeningSockets("a: 00000002 00000000 00010000 0001 01   101 /mine\n"
                               "b: 00000002 00000000 00010000 0001 01   102 /evil\n"
                               "b: 00000002 00000000 00010000 0001 01   101 /forged\n"),
              ElementsAre(Pair(102u, "/evil")));
}

TEST(ListeningSocketsTest, OddTextIsNoSocket) {
  EXPECT_THAT(ListeningSockets(""), IsEmpty());
  EXPECT_THAT(ListeningSockets("\n\n: : : : : : : /x\na b c d e f g /x\n   \n"), IsEmpty());
}

// A process group of its own that listens on `sockets` until it is killed.
class Listening {
 public:
  explicit Listening(const std::vector<std::filesystem::path>& sockets) {
    int ready[2];
    if (::pipe(ready) != 0) ::abort();
    pid_ = ::fork();
    if (pid_ == 0) {
      ::setpgid(0, 0);
      std::vector<UnixListener> listeners;
      listeners.reserve(sockets.size());
      for (const auto& socket : sockets) listeners.emplace_back(socket);
      ::close(ready[0]);
      ::close(ready[1]);
      for (;;) ::pause();
    }
    ::close(ready[1]);
    char byte = 0;
    EXPECT_EQ(::read(ready[0], &byte, 1), 0);
    ::close(ready[0]);
  }
  ~Listening() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  int group() const { return pid_; }

 private:
  pid_t pid_ = 0;
};

TEST(HasLostItsSocketsTest, WhenWhatItListensOnWasRemoved) {
  const TempDir dir;
  const auto folder = dir.Under("k/x").parent_path();
  const Listening process({folder / "plugin.sock"});
  EXPECT_FALSE(HasLostItsSockets(process.group(), folder));
  dir.Remove("k/plugin.sock");
  EXPECT_TRUE(HasLostItsSockets(process.group(), folder));
  EXPECT_TRUE(HasLostItsSockets(process.group(), folder / "." / "")) << "the same folder";
  EXPECT_FALSE(HasLostItsSockets(process.group(), dir.path())) << "not its folder";
  EXPECT_FALSE(HasLostItsSockets(::getpgrp(), folder)) << "not its group";
}

TEST(HasLostItsSocketsTest, NotWhileOneOfThemIsThere) {
  const TempDir dir;
  const auto folder = dir.Under("k/x").parent_path();
  const Listening process({folder / "old.sock", folder / "new.sock"});
  dir.Remove("k/old.sock");
  EXPECT_FALSE(HasLostItsSockets(process.group(), folder));
}

TEST(HasLostItsSocketsTest, NotWhenItListensOnNone) {
  const TempDir dir;
  const auto folder = dir.Under("k/x").parent_path();
  const Listening process({});
  EXPECT_FALSE(HasLostItsSockets(process.group(), folder));
  EXPECT_FALSE(HasLostItsSockets(0x7ffffff0, folder)) << "there is no such group";
}

}  // namespace
}  // namespace nodedevice::testing
