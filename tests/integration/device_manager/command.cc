#include "tests/integration/device_manager/command.h"
#include "tests/support/places.h"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>

namespace nodedevice::testing {
namespace {

SpawnedChild Start(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), ProgramFolder() / "device-manager");
  auto child = Spawn({.command = std::move(arguments)});
  if (!child.ok()) throw std::runtime_error(std::string(child.status().message()));
  return *std::move(child);
}

std::vector<std::string> Joined(std::vector<std::string> arguments,
                                const std::vector<std::string>& more) {
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

int WaitForExit(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

std::string ReadToEnd(int fd) {
  std::string text;
  char buffer[4096];
  for (;;) {
    pollfd readable = {.fd = fd, .events = POLLIN, .revents = 0};
    ::poll(&readable, 1, -1);
    const ssize_t n = ::read(fd, buffer, sizeof(buffer));
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (n <= 0) return text;
    text.append(buffer, static_cast<std::size_t>(n));
  }
}

}  // namespace

Outcome RunDeviceManager(std::vector<std::string> arguments) {
  const SpawnedChild child = Start(std::move(arguments));
  Outcome outcome;
  outcome.output = ReadToEnd(child.output.get());
  outcome.exit_code = WaitForExit(child.pid);
  return outcome;
}

ServeProcess::ServeProcess(const std::string& kubelet_dir, const std::vector<std::string>& options)
    : child_(
          Start(Joined({"serve", "--kubelet-dir", kubelet_dir, "--log-level", "error"}, options))) {
}

ServeProcess::~ServeProcess() {
  if (ended_) return;
  Signal(SIGKILL);
  Wait();
}

void ServeProcess::Signal(int signal) const { ::kill(child_.pid, signal); }

int ServeProcess::Wait() {
  ended_ = true;
  return WaitForExit(child_.pid);
}

}  // namespace nodedevice::testing
