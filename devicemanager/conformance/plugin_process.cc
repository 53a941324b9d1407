#include "devicemanager/conformance/plugin_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <iterator>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "lib/base/file.h"

namespace nodedevice::devicemanager::conformance {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostOfStatus = 1u << 16;
constexpr int kLookAgainMs = 10;
constexpr std::size_t kGroupField = 2;  // of /proc/PID/stat after the name: state, parent, group

// The process group of a process that runs; 0 when it has ended.
pid_t GroupOf(const fs::path& process) {
  const absl::StatusOr<std::string> stat = ReadFile(process / "stat", kMostOfStatus);
  if (!stat.ok()) return 0;
  const std::size_t name_end = stat->rfind(')');  // the name may hold anything
  if (name_end == std::string::npos || name_end + 2 > stat->size()) return 0;
  const std::vector<std::string> fields = absl::StrSplit(stat->substr(name_end + 2), ' ');
  int group = 0;
  if (fields.size() <= kGroupField || fields[0] == "Z" || fields[0] == "X" ||
      !absl::SimpleAtoi(fields[kGroupField], &group)) {
    return 0;
  }
  return group;
}

// The number in a line such as "RssAnon:   1234 kB".
int NumberOf(const std::string& status, const std::string& key) {
  for (const absl::string_view line : absl::StrSplit(status, '\n')) {
    const std::pair<std::string, std::string> parts = absl::StrSplit(line, absl::MaxSplits(':', 1));
    if (parts.first != key) continue;
    const std::vector<std::string> words =
        absl::StrSplit(parts.second, ' ', absl::SkipWhitespace());
    int number = 0;
    if (!words.empty() && absl::SimpleAtoi(absl::StripAsciiWhitespace(words[0]), &number)) {
      return number;
    }
  }
  return 0;
}

}  // namespace

absl::StatusOr<std::unique_ptr<PluginProcess>> PluginProcess::Start(const PluginCommand& command,
                                                                    const fs::path& log,
                                                                    Changes& changes) {
  UniqueFd file(::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  if (!file) return ErrnoStatus(errno, absl::StrCat("open ", log.native()));
  UniqueFd stop(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!stop) return ErrnoStatus(errno, "eventfd");
  ASSIGN_OR_RETURN(SpawnedChild child, Spawn({.command = command.arguments,
                                              .environment = command.environment,
                                              .report_pipe = false,
                                              .parent_death_signal = SIGKILL}));
  return std::unique_ptr<PluginProcess>(
      new PluginProcess(std::move(child), std::move(file), std::move(stop), changes));
}

PluginProcess::PluginProcess(SpawnedChild child, UniqueFd log, UniqueFd stop, Changes& changes)
    : child_(std::move(child)),
      log_(std::move(log)),
      stop_(std::move(stop)),
      changes_(changes),
      follower_([this] { Follow(); }) {}

PluginProcess::~PluginProcess() {
  // Its end does not end what it started. Until the follower reaps it, its id is not reused; after
  // that the group's is not as long as somebody is in it.
  if (!exit() || !Running().empty()) ::kill(-child_.pid, SIGKILL);
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(stop_.get(), &one, sizeof(one));
  follower_.join();
}

// Copies what is printed until told to stop, and takes note of the end.
void PluginProcess::Follow() {
  // Without one, as on old kernels, it looks every few milliseconds.
  const UniqueFd process(static_cast<int>(::syscall(SYS_pidfd_open, child_.pid, 0)));
  bool running = true;
  bool printing = true;
  bool stopping = false;
  char buffer[1 << 14];
  while (running || (printing && !stopping)) {
    pollfd waiting[] = {{.fd = running ? process.get() : -1, .events = POLLIN, .revents = 0},
                        {.fd = printing ? child_.output.get() : -1, .events = POLLIN, .revents = 0},
                        {.fd = stopping ? -1 : stop_.get(), .events = POLLIN, .revents = 0}};
    ::poll(waiting, std::size(waiting), running && !process ? kLookAgainMs : -1);
    if (waiting[1].revents != 0) {
      const ssize_t n = ::read(child_.output.get(), buffer, sizeof(buffer));
      if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) printing = false;
      // A full disk loses the log and not the run.
      if (n > 0) {
        [[maybe_unused]] const ssize_t written =
            ::write(log_.get(), buffer, static_cast<std::size_t>(n));
      }
    }
    siginfo_t info = {};
    if (running && ::waitid(P_PID, static_cast<id_t>(child_.pid), &info, WEXITED | WNOHANG) == 0 &&
        info.si_pid != 0) {
      running = false;
      {
        const std::lock_guard<std::mutex> lock(mutex_);
        exit_ = ChildExit{
            .pid = child_.pid, .signaled = info.si_code != CLD_EXITED, .number = info.si_status};
      }
      changes_.Notify();
    }
    if (waiting[2].revents != 0) stopping = true;
  }
}

std::optional<ChildExit> PluginProcess::exit() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return exit_;
}

void PluginProcess::Signal(int signal) const {
  if (!exit()) ::kill(child_.pid, signal);
}

std::vector<pid_t> PluginProcess::Running() const {
  std::vector<pid_t> running;
  const fs::path proc = "/proc";
  for (const std::string& name : NamesIn(proc)) {
    int pid = 0;
    if (!absl::SimpleAtoi(name, &pid)) continue;
    if (GroupOf(proc / name) == child_.pid) running.push_back(pid);
  }
  return running;
}

Usage PluginProcess::Measure() const {
  Usage usage;
  for (const pid_t pid : Running()) {
    const fs::path process = fs::path("/proc") / absl::StrCat(pid);
    const std::string status = ReadFile(process / "status", kMostOfStatus).value_or("");
    usage.descriptors += static_cast<int>(NamesIn(process / "fd").size());
    usage.threads += NumberOf(status, "Threads");
    usage.private_kib += NumberOf(status, "RssAnon");
  }
  return usage;
}

}  // namespace nodedevice::devicemanager::conformance
