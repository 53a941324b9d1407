#include "tests/support/program.h"
#include "tests/support/places.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "lib/base/unique_fd.h"

extern char** environ;

namespace nodedevice::testing {

Program::Program(const std::vector<std::string>& arguments, const std::filesystem::path& log)
    : log_(log) {
  const std::string path = ProgramFolder() / arguments.at(0);
  std::vector<char*> argv = {const_cast<char*>(path.c_str())};
  for (std::size_t i = 1; i < arguments.size(); ++i) {
    argv.push_back(const_cast<char*>(arguments[i].c_str()));
  }
  argv.push_back(nullptr);
  const UniqueFd output(::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  pid_ = ::fork();
  if (pid_ < 0) throw std::runtime_error("fork");
  if (pid_ == 0) {
    ::dup2(output.get(), STDOUT_FILENO);
    ::dup2(output.get(), STDERR_FILENO);
    // A connection of a server in this process must not live on in the program.
    ::closefrom(STDERR_FILENO + 1);
    ::execve(path.c_str(), argv.data(), environ);
    ::_exit(127);
  }
}

Program::~Program() {
  if (ended_) return;
  Signal(SIGKILL);
  Wait();
}

void Program::Signal(int signal) const {
  if (!ended_) ::kill(pid_, signal);
}

int Program::Wait() {
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  ended_ = true;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

std::string Program::Output() const {
  std::ifstream file(log_, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::optional<std::uint16_t> ServedPort(std::string_view log) {
  constexpr std::string_view kAddress = "://127.0.0.1:";
  const std::size_t serving = log.find("serving http");
  if (serving == std::string_view::npos) return std::nullopt;
  const std::size_t address = log.find(kAddress, serving);
  const std::size_t end = log.find('\n', serving);
  if (end == std::string_view::npos || address > end) return std::nullopt;
  const std::size_t port = address + kAddress.size();
  return static_cast<std::uint16_t>(std::atoi(std::string(log.substr(port, end - port)).c_str()));
}

ProgramResult RunProgram(const std::vector<std::string>& arguments,
                         const std::filesystem::path& log) {
  std::filesystem::remove(log);
  Program program(arguments, log);
  const int code = program.Wait();
  return {code, program.Output()};
}

bool HasEnded(pid_t pid) {
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  std::getline(stat, text);
  const std::size_t name_end = text.rfind(')');  // the name may hold anything
  return name_end == std::string::npos || text.substr(name_end + 2, 1) == "Z";
}

}  // namespace nodedevice::testing
