#include "tests/bench/plugin_process.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <optional>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "lib/base/file.h"

namespace nodedevice::bench {
namespace {

constexpr std::size_t kProcFileLimit = 1 << 16;

// "RssAnon:\t    5012 kB" -> 5012.
std::optional<std::int64_t> StatusField(absl::string_view status, absl::string_view name) {
  for (const absl::string_view line : absl::StrSplit(status, '\n')) {
    const std::vector<absl::string_view> words =
        absl::StrSplit(line, absl::ByAnyChar(": \t"), absl::SkipEmpty());
    std::int64_t value = 0;
    if (words.size() >= 2 && words[0] == name && absl::SimpleAtoi(words[1], &value)) return value;
  }
  return std::nullopt;
}

// The first number of a thread's schedstat: nanoseconds on a processor. Clock ticks would be given
// to whoever runs when the clock interrupts, and so to whomever a timer has just woken.
std::optional<Duration> RunTime(absl::string_view schedstat) {
  const std::vector<absl::string_view> words =
      absl::StrSplit(schedstat, absl::ByAnyChar(" \n"), absl::SkipEmpty());
  std::int64_t nanoseconds = 0;
  if (words.size() != 3 || !absl::SimpleAtoi(words[0], &nanoseconds)) return std::nullopt;
  return std::chrono::nanoseconds(nanoseconds);
}

// posix_spawn's two argument objects, for a child with no descriptor of ours but its output.
class SpawnActions {
 public:
  explicit SpawnActions(const std::filesystem::path& log) {
    ::posix_spawn_file_actions_init(&actions_);
    ::posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_addopen(&actions_, STDOUT_FILENO, log.c_str(),
                                       O_WRONLY | O_CREAT | O_APPEND, 0600);
    ::posix_spawn_file_actions_adddup2(&actions_, STDOUT_FILENO, STDERR_FILENO);
    ::posix_spawn_file_actions_addclosefrom_np(&actions_, STDERR_FILENO + 1);
  }
  ~SpawnActions() { ::posix_spawn_file_actions_destroy(&actions_); }
  SpawnActions(const SpawnActions&) = delete;
  SpawnActions& operator=(const SpawnActions&) = delete;

  const posix_spawn_file_actions_t* get() const { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_;
};

std::filesystem::path ProcFolder(pid_t pid) { return absl::StrCat("/proc/", pid); }

absl::StatusOr<ProcessUse> UseOf(pid_t pid) {
  const std::filesystem::path folder = ProcFolder(pid);
  ASSIGN_OR_RETURN(const std::string status, ReadFile(folder / "status", kProcFileLimit));
  std::vector<std::string> schedstats;
  for (const std::string& thread : NamesIn(folder / "task")) {
    absl::StatusOr<std::string> text =
        ReadFile(folder / "task" / thread / "schedstat", kProcFileLimit);
    if (text.ok()) schedstats.push_back(*std::move(text));  // else it has just ended
  }
  return ParseProcessUse(status, schedstats);
}

std::vector<pid_t> ChildrenOf(pid_t pid) {
  std::vector<pid_t> children;
  const std::filesystem::path tasks = ProcFolder(pid) / "task";
  for (const std::string& thread : NamesIn(tasks)) {
    const absl::StatusOr<std::string> text = ReadFile(tasks / thread / "children", kProcFileLimit);
    if (!text.ok()) continue;  // it has just ended
    for (const absl::string_view word : absl::StrSplit(*text, ' ', absl::SkipWhitespace())) {
      pid_t child = 0;
      if (absl::SimpleAtoi(word, &child)) children.push_back(child);
    }
  }
  return children;
}

absl::StatusOr<ProcessUse> UseOfTree(pid_t pid) {
  ASSIGN_OR_RETURN(ProcessUse all, UseOf(pid));
  for (const pid_t child : ChildrenOf(pid)) {
    ASSIGN_OR_RETURN(const ProcessUse use, UseOfTree(child));
    all.private_kib += use.private_kib;
    all.resident_kib += use.resident_kib;
    all.threads += use.threads;
    all.cpu += use.cpu;
  }
  return all;
}

}  // namespace

absl::StatusOr<ProcessUse> ParseProcessUse(absl::string_view status,
                                           const std::vector<std::string>& schedstats) {
  const std::optional<std::int64_t> private_kib = StatusField(status, "RssAnon");
  const std::optional<std::int64_t> resident_kib = StatusField(status, "VmRSS");
  const std::optional<std::int64_t> threads = StatusField(status, "Threads");
  if (!private_kib) return absl::DataLossError("no RssAnon in the process's status");
  if (!resident_kib) return absl::DataLossError("no VmRSS in the process's status");
  if (!threads) return absl::DataLossError("no Threads in the process's status");
  ProcessUse use{.private_kib = *private_kib, .resident_kib = *resident_kib, .threads = *threads};
  for (const std::string& schedstat : schedstats) {
    const std::optional<Duration> time = RunTime(schedstat);
    if (!time) return absl::DataLossError("no run time in a thread's schedstat");
    use.cpu += *time;
  }
  return use;
}

absl::StatusOr<PluginProcess> PluginProcess::Start(const std::vector<std::string>& command,
                                                   const std::filesystem::path& log) {
  std::vector<std::string> words = command;
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);

  const SpawnActions actions(log);
  pid_t pid = 0;
  const TimePoint started = Clock::now();
  const int error =
      ::posix_spawnp(&pid, arguments[0], actions.get(), nullptr, arguments.data(), environ);
  if (error != 0) return ErrnoStatus(error, absl::StrCat("starting ", command[0]));
  // The system call itself: the header of this C library lacks C linkage for its wrapper.
  UniqueFd handle(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  const int handle_error = errno;
  PluginProcess process(pid, std::move(handle), started);
  if (!process.handle_) return ErrnoStatus(handle_error, "pidfd_open");
  return process;
}

PluginProcess::PluginProcess(PluginProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, 0)),
      handle_(std::move(other.handle_)),
      started_(other.started_) {}

PluginProcess::~PluginProcess() {
  if (pid_ == 0) return;
  ::kill(pid_, SIGKILL);
  Reap();
}

absl::StatusOr<ProcessUse> PluginProcess::Use() const { return UseOf(pid_); }

absl::StatusOr<ProcessUse> PluginProcess::UseOfAll() const { return UseOfTree(pid_); }

absl::StatusOr<Duration> PluginProcess::Terminate(Duration limit) {
  if (ended()) return absl::AbortedError("the plugin ended before it was told to");
  const TimePoint told = Clock::now();
  ::kill(pid_, SIGTERM);
  if (!WaitForEnd(limit)) {
    return absl::DeadlineExceededError("the plugin did not end after SIGTERM");
  }
  const Duration took = Clock::now() - told;
  Reap();
  return took;
}

bool PluginProcess::WaitForEnd(Duration limit) const {
  const TimePoint deadline = Clock::now() + limit;
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    pollfd end{.fd = handle_.get(), .events = POLLIN, .revents = 0};
    const int ready = ::poll(&end, 1, static_cast<int>(std::max<std::int64_t>(left.count(), 0)));
    if (ready >= 0 || errno != EINTR) return ready > 0;
  }
}

void PluginProcess::Reap() {
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
  pid_ = 0;
}

}  // namespace nodedevice::bench
