#include "lib/base/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/temp_dir.h"
#include "tests/support/wait_for.h"

namespace nodedevice::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

SpawnOptions Shell(const std::string& script) { return {.command = {"/bin/sh", "-c", script}}; }

SpawnedChild MustSpawn(const SpawnOptions& options) {
  absl::StatusOr<SpawnedChild> child = Spawn(options);
  EXPECT_TRUE(child.ok()) << child.status();
  return child.ok() ? *std::move(child) : SpawnedChild{};
}

// Everything until the last writer has closed the pipe.
std::string ReadToEnd(const UniqueFd& fd) {
  std::string text;
  char buffer[4096];
  for (;;) {
    const ssize_t n = ::read(fd.get(), buffer, sizeof(buffer));
    if (n == 0) return text;
    if (n > 0) {
      text.append(buffer, static_cast<std::size_t>(n));
    } else if (errno == EAGAIN) {
      pollfd readable{.fd = fd.get(), .events = POLLIN, .revents = 0};
      ::poll(&readable, 1, -1);
    } else if (errno != EINTR) {
      ADD_FAILURE() << "read: errno " << errno;
      return text;
    }
  }
}

ChildExit WaitForExit(pid_t pid) {
  ChildExit result;
  EXPECT_TRUE(WaitFor([&] {
    ReapChildren([&](const ChildExit& exit) {
      if (exit.pid == pid) result = exit;
    });
    return result.pid == pid;
  }));
  return result;
}

std::string OutputOf(const SpawnOptions& options) {
  const SpawnedChild child = MustSpawn(options);
  std::string output = ReadToEnd(child.output);
  WaitForExit(child.pid);
  return output;
}

TEST(ProcessTest, GivesOutputAndErrorsOfTheProgram) {
  EXPECT_EQ(OutputOf(Shell("echo out; echo err >&2")), "out\nerr\n");
}

TEST(ProcessTest, SaysWhyAProgramCannotBeStarted) {
  const TempDir dir;
  const std::string missing = (dir.path() / "missing").string();
  EXPECT_EQ(std::string(Spawn({.command = {missing}}).status().message()),
            "cannot start " + missing + ": No such file or directory");
  const std::string text = dir.Write("text", "hello").string();
  EXPECT_EQ(std::string(Spawn({.command = {text}}).status().message()),
            "cannot start " + text + ": Permission denied");
  EXPECT_EQ(Spawn({.command = {missing}}).status().code(), absl::StatusCode::kNotFound);
}

TEST(ProcessTest, LeavesNoChildBehindWhenAProgramCannotBeStarted) {
  EXPECT_FALSE(Spawn({.command = {"/nonexistent/program"}}).ok());
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
}

TEST(ProcessTest, TellsHowAChildEnded) {
  const ChildExit exited = WaitForExit(MustSpawn(Shell("exit 3")).pid);
  EXPECT_FALSE(exited.signaled);
  EXPECT_EQ(exited.number, 3);
  EXPECT_EQ(ToString(exited), "exited with 3");

  const ChildExit killed = WaitForExit(MustSpawn(Shell("kill -KILL $$")).pid);
  EXPECT_TRUE(killed.signaled);
  EXPECT_EQ(killed.number, SIGKILL);
  EXPECT_EQ(ToString(killed), "killed by signal 9 (Killed)");
}

TEST(ProcessTest, KeepsTheProcessIdReservedWhileAnExitIsHandled) {
  const SpawnedChild child = MustSpawn(Shell("exit 0"));
  bool reserved = false;
  EXPECT_TRUE(WaitFor([&] {
    bool seen = false;
    ReapChildren([&](const ChildExit& exit) {
      seen = true;
      reserved = ::kill(exit.pid, 0) == 0;
    });
    return seen;
  }));
  EXPECT_TRUE(reserved);
  EXPECT_EQ(::kill(child.pid, 0), -1);
}

TEST(ProcessTest, GivesAReportPipeAsDescriptorThree) {
  SpawnOptions options = Shell("echo report >&3");
  options.report_pipe = true;
  const SpawnedChild child = MustSpawn(options);
  EXPECT_EQ(ReadToEnd(child.report), "report\n");
  WaitForExit(child.pid);
}

TEST(ProcessTest, GivesNoOtherDescriptors) {
  // One that somebody forgot to mark close-on-exec.
  const UniqueFd leaked(::open("/dev/null", O_RDONLY));
  ASSERT_TRUE(leaked);
  // `ls` itself opens the folder, as the first free number.
  EXPECT_EQ(OutputOf({.command = {"/bin/ls", "/proc/self/fd"}}), "0\n1\n2\n3\n");
}

TEST(ProcessTest, GivesAnEmptyStandardInput) { EXPECT_EQ(OutputOf(Shell("cat")), ""); }

TEST(ProcessTest, AddsToAndReplacesTheEnvironment) {
  ::setenv("NODEDEVICE_TEST_KEPT", "kept", 1);
  ::setenv("NODEDEVICE_TEST_REPLACED", "old", 1);
  SpawnOptions options =
      Shell("echo $NODEDEVICE_TEST_KEPT $NODEDEVICE_TEST_REPLACED $NODEDEVICE_TEST_ADDED");
  options.environment = {{"NODEDEVICE_TEST_REPLACED", "new"}, {"NODEDEVICE_TEST_ADDED", "added"}};
  EXPECT_EQ(OutputOf(options), "kept new added\n");
}

TEST(ProcessTest, AVariableOfItsOwnIsNotInherited) {
  ::setenv("NODEDEVICE_TEST_THEIRS", "theirs", 1);
  ::unsetenv("NODEDEVICE_TEST_NOBODYS");
  for (const char* value : {"ours", "still ours"}) {
    SetOwnVariable("NODEDEVICE_TEST_THEIRS", value);
    SetOwnVariable("NODEDEVICE_TEST_NOBODYS", value);
    EXPECT_STREQ(std::getenv("NODEDEVICE_TEST_THEIRS"), value);
    EXPECT_STREQ(std::getenv("NODEDEVICE_TEST_NOBODYS"), value);
  }
  SpawnOptions options = Shell("echo $NODEDEVICE_TEST_THEIRS ${NODEDEVICE_TEST_NOBODYS-none}");
  EXPECT_EQ(OutputOf(options), "theirs none\n");
  options.environment = {{"NODEDEVICE_TEST_THEIRS", "new"}};
  EXPECT_EQ(OutputOf(options), "new none\n");
}

TEST(ProcessTest, ResetsSignalsThatWeBlockOrIgnore) {
  sigset_t blocked;
  sigset_t before;
  ::sigemptyset(&blocked);
  ::sigaddset(&blocked, SIGTERM);
  ASSERT_EQ(::pthread_sigmask(SIG_BLOCK, &blocked, &before), 0);
  const auto old_handler = ::signal(SIGUSR2, SIG_IGN);
  const std::string status = OutputOf({.command = {"/bin/cat", "/proc/self/status"}});
  ::signal(SIGUSR2, old_handler);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  EXPECT_THAT(status, HasSubstr("SigBlk:\t0000000000000000\n"));
  // Signals 32 and 33 are the C library's own: nobody can reset them, and it does so itself when it
  // needs them. Some that start us leave them ignored.
  constexpr std::uint64_t kOfTheLibrary = std::uint64_t{3} << 31;
  const std::size_t ignored = status.find("SigIgn:");
  ASSERT_NE(ignored, std::string::npos);
  EXPECT_EQ(std::stoull(status.substr(ignored + 7), nullptr, 16) & ~kOfTheLibrary, 0u) << status;
}

TEST(ProcessTest, PutsTheChildIntoItsOwnGroup) {
  const SpawnedChild child = MustSpawn(Shell("sleep 1000 & echo started; wait"));
  EXPECT_EQ(::getpgid(child.pid), child.pid);
  ASSERT_EQ(::kill(-child.pid, SIGKILL), 0);
  // The end of the output: the helper, which holds it too, is gone as well.
  EXPECT_THAT(ReadToEnd(child.output), ::testing::AnyOf("started\n", ""));
  EXPECT_TRUE(WaitForExit(child.pid).signaled);
}

TEST(ProcessTest, EndsTheChildWhenItsParentEnds) {
  // A parent of its own, which starts a child that outlives everything and is then killed.
  int pipe_ends[2];
  ASSERT_EQ(::pipe2(pipe_ends, O_CLOEXEC), 0);
  UniqueFd read_end(pipe_ends[0]);
  UniqueFd write_end(pipe_ends[1]);
  const pid_t parent = ::fork();
  ASSERT_GE(parent, 0);
  if (parent == 0) {
    SpawnOptions options = Shell("exec sleep 1000");
    options.parent_death_signal = SIGKILL;
    const absl::StatusOr<SpawnedChild> child = Spawn(options);
    const pid_t pid = child.ok() ? child->pid : -1;
    [[maybe_unused]] const ssize_t n = ::write(write_end.get(), &pid, sizeof(pid));
    for (;;) ::pause();
  }
  write_end.Reset();
  pid_t grandchild = -1;
  ASSERT_EQ(::read(read_end.get(), &grandchild, sizeof(grandchild)),
            static_cast<ssize_t>(sizeof(grandchild)));
  ASSERT_GT(grandchild, 0);
  EXPECT_EQ(::kill(grandchild, 0), 0);
  ASSERT_EQ(::kill(parent, SIGKILL), 0);
  WaitForExit(parent);
  // Gone, or a zombie that whoever adopted it has not reaped yet.
  EXPECT_TRUE(WaitFor([grandchild] {
    const SpawnedChild state = MustSpawn(
        Shell("cut -d' ' -f3 /proc/" + std::to_string(grandchild) + "/stat 2>/dev/null || echo -"));
    const std::string text = ReadToEnd(state.output);
    WaitForExit(state.pid);
    return text == "Z\n" || text == "-\n" || text.empty();
  }));
}

TEST(ProcessTest, HandsOverEveryEndedChild) {
  std::vector<pid_t> started;
  for (int i = 0; i < 3; ++i) started.push_back(MustSpawn(Shell("exit 0")).pid);
  std::vector<pid_t> ended;
  EXPECT_TRUE(WaitFor([&] {
    ReapChildren([&](const ChildExit& exit) { ended.push_back(exit.pid); });
    return ended.size() == 3;
  }));
  EXPECT_THAT(ended, ::testing::UnorderedElementsAreArray(started));
}

}  // namespace
}  // namespace nodedevice::testing
