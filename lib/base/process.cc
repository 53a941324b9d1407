#include "lib/base/process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <utility>

namespace nodedevice {
namespace {

constexpr int kReportFdInChild = 3;
constexpr int kFirstOtherFd = 4;
constexpr int kCannotExec = 127;  // as a shell says it; nobody sees it, errno comes by the pipe

struct Pipe {
  UniqueFd read;
  UniqueFd write;
};

// The ends lie above the numbers that the child fills, so that dup2() there overwrites none of them
// even when we were started without standard descriptors.
absl::StatusOr<UniqueFd> MoveUp(UniqueFd fd) {
  if (fd.get() >= kFirstOtherFd) return fd;
  UniqueFd moved(::fcntl(fd.get(), F_DUPFD_CLOEXEC, kFirstOtherFd));
  if (!moved) return ErrnoStatus(errno, "fcntl");
  return moved;
}

absl::StatusOr<Pipe> MakePipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return ErrnoStatus(errno, "pipe");
  UniqueFd read(ends[0]);
  UniqueFd write(ends[1]);
  Pipe pipe;
  ASSIGN_OR_RETURN(pipe.read, MoveUp(std::move(read)));
  ASSIGN_OR_RETURN(pipe.write, MoveUp(std::move(write)));
  return pipe;
}

absl::Status SetNonBlocking(const UniqueFd& fd) {
  const int flags = ::fcntl(fd.get(), F_GETFL);
  if (flags < 0 || ::fcntl(fd.get(), F_SETFL, flags | O_NONBLOCK) != 0) {
    return ErrnoStatus(errno, "fcntl");
  }
  return absl::OkStatus();
}

// What SetOwnVariable() has replaced, and by what: nullopt, nothing.
std::map<std::string, std::optional<std::string>>& OwnVariables() {
  static std::map<std::string, std::optional<std::string>> variables;
  return variables;
}

std::vector<std::string> Environment(const std::map<std::string, std::string>& additions) {
  std::vector<std::string> entries;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string text = *entry;
    const std::string name = text.substr(0, text.find('='));
    if (!additions.contains(name) && !OwnVariables().contains(name)) entries.push_back(text);
  }
  for (const auto& [name, value] : OwnVariables()) {
    if (value && !additions.contains(name)) entries.push_back(absl::StrCat(name, "=", *value));
  }
  for (const auto& [name, value] : additions) entries.push_back(absl::StrCat(name, "=", value));
  return entries;
}

std::vector<char*> Pointers(std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  pointers.reserve(strings.size() + 1);
  for (std::string& text : strings) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

// Everything the child needs, computed before fork(): between fork() and exec() of a process with
// threads only async-signal-safe calls are allowed, so no memory is allocated there.
struct ChildPlan {
  char** arguments;
  char** environment;
  int null_fd;
  int output_fd;
  int report_fd;  // -1: none
  int error_fd;
  int parent_death_signal;
  pid_t parent;
};

[[noreturn]] void FailChild(const ChildPlan& plan) {
  const int error = errno;
  [[maybe_unused]] const ssize_t written = ::write(plan.error_fd, &error, sizeof(error));
  ::_exit(kCannotExec);
}

[[noreturn]] void BecomeProgram(const ChildPlan& plan) {
  if (::setpgid(0, 0) != 0) FailChild(plan);
  struct sigaction by_default = {};
  by_default.sa_handler = SIG_DFL;
  // SIGKILL, SIGSTOP and the C library's own signals refuse; they need no reset either.
  for (int signal = 1; signal < NSIG; ++signal) ::sigaction(signal, &by_default, nullptr);
  if (plan.parent_death_signal != 0) {
    if (::prctl(PR_SET_PDEATHSIG, plan.parent_death_signal) != 0) FailChild(plan);
    // The parent may have died before the call above took effect.
    if (::getppid() != plan.parent) ::_exit(kCannotExec);
  }
  sigset_t nothing;
  ::sigemptyset(&nothing);
  ::sigprocmask(SIG_SETMASK, &nothing, nullptr);
  if (::dup2(plan.null_fd, STDIN_FILENO) < 0 || ::dup2(plan.output_fd, STDOUT_FILENO) < 0 ||
      ::dup2(plan.output_fd, STDERR_FILENO) < 0) {
    FailChild(plan);
  }
  if (plan.report_fd < 0) {
    ::close(kReportFdInChild);
  } else if (::dup2(plan.report_fd, kReportFdInChild) < 0) {
    FailChild(plan);
  }
  // Ours are all close-on-exec; this catches descriptors that a library or our own parent left
  // open. Kernels before 5.11 do not know the flag and go without the net.
  ::syscall(SYS_close_range, kFirstOtherFd, ~0u, 1u << 2 /* CLOSE_RANGE_CLOEXEC */);
  ::execve(plan.arguments[0], plan.arguments, plan.environment);
  FailChild(plan);
}

// 0 once the program runs, otherwise the errno that kept it from running.
int ReadExecError(const UniqueFd& fd) {
  int error = 0;
  ssize_t n;
  do {
    n = ::read(fd.get(), &error, sizeof(error));
  } while (n < 0 && errno == EINTR);
  return n == static_cast<ssize_t>(sizeof(error)) ? error : 0;
}

absl::StatusOr<SpawnedChild> SpawnCommand(const SpawnOptions& options) {
  UniqueFd null_fd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (!null_fd) return ErrnoStatus(errno, "/dev/null");
  ASSIGN_OR_RETURN(null_fd, MoveUp(std::move(null_fd)));
  ASSIGN_OR_RETURN(Pipe output, MakePipe());
  ASSIGN_OR_RETURN(Pipe error, MakePipe());
  Pipe report;
  if (options.report_pipe) {
    ASSIGN_OR_RETURN(report, MakePipe());
    RETURN_IF_ERROR(SetNonBlocking(report.read));
  }
  RETURN_IF_ERROR(SetNonBlocking(output.read));

  std::vector<std::string> arguments = options.command;
  std::vector<std::string> environment = Environment(options.environment);
  std::vector<char*> argument_pointers = Pointers(arguments);
  std::vector<char*> environment_pointers = Pointers(environment);
  const ChildPlan plan{.arguments = argument_pointers.data(),
                       .environment = environment_pointers.data(),
                       .null_fd = null_fd.get(),
                       .output_fd = output.write.get(),
                       .report_fd = report.write.get(),
                       .error_fd = error.write.get(),
                       .parent_death_signal = options.parent_death_signal,
                       .parent = ::getpid()};

  // No handler of ours may run in the child before it has reset them.
  sigset_t everything;
  sigset_t before;
  ::sigfillset(&everything);
  ::pthread_sigmask(SIG_SETMASK, &everything, &before);
  const pid_t pid = ::fork();
  if (pid == 0) BecomeProgram(plan);
  const int fork_error = errno;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (pid < 0) return ErrnoStatus(fork_error, "fork");

  error.write.Reset();
  if (const int exec_error = ReadExecError(error.read); exec_error != 0) {
    while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
    }
    return absl::Status(absl::ErrnoToStatusCode(exec_error), std::strerror(exec_error));
  }
  return SpawnedChild{
      .pid = pid, .output = std::move(output.read), .report = std::move(report.read)};
}

}  // namespace

void SetOwnVariable(const std::string& name, const std::string& value) {
  const char* const before = std::getenv(name.c_str());
  OwnVariables().try_emplace(name, before == nullptr ? std::nullopt : std::optional(before));
  ::setenv(name.c_str(), value.c_str(), /*overwrite=*/1);
}

absl::StatusOr<SpawnedChild> Spawn(const SpawnOptions& options) {
  absl::StatusOr<SpawnedChild> child = SpawnCommand(options);
  if (!child.ok()) {
    return Annotate(child.status(), absl::StrCat("cannot start ", options.command[0]));
  }
  return child;
}

std::string ToString(const ChildExit& exit) {
  if (!exit.signaled) return absl::StrCat("exited with ", exit.number);
  const char* name = ::sigdescr_np(exit.number);
  return absl::StrCat("killed by signal ", exit.number, " (", name ? name : "unknown", ")");
}

void ReapChildren(const std::function<void(const ChildExit&)>& on_exit) {
  for (;;) {
    siginfo_t info = {};
    // WNOWAIT leaves it a zombie, which keeps its process id reserved.
    if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0) {
      if (errno == EINTR) continue;
      return;  // ECHILD: no children
    }
    if (info.si_pid == 0) return;  // all that are left are running
    on_exit({.pid = info.si_pid, .signaled = info.si_code != CLD_EXITED, .number = info.si_status});
    while (::waitpid(info.si_pid, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
}

absl::Status AdoptOrphans() {
  if (::prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) {
    return ErrnoStatus(errno, "cannot become the reaper of orphaned processes");
  }
  return absl::OkStatus();
}

}  // namespace nodedevice
