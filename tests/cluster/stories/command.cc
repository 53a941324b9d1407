#include "tests/cluster/stories/command.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "lib/base/file.h"
#include "lib/base/unique_fd.h"

namespace nodedevice::testing {
namespace {

UniqueFd MemoryFile(const std::string& content) {
  UniqueFd fd(::memfd_create("command", MFD_CLOEXEC));
  if (!fd ||
      ::write(fd.get(), content.data(), content.size()) != static_cast<ssize_t>(content.size())) {
    throw std::runtime_error("memfd_create");
  }
  ::lseek(fd.get(), 0, SEEK_SET);
  return fd;
}

std::string ContentOf(const UniqueFd& fd) {
  ::lseek(fd.get(), 0, SEEK_SET);
  std::string content;
  char buffer[65536];
  ssize_t n;
  while ((n = ::read(fd.get(), buffer, sizeof(buffer))) > 0) {
    content.append(buffer, static_cast<std::size_t>(n));
  }
  return content;
}

}  // namespace

CommandResult RunCommand(const std::vector<std::string>& command, const std::string& input) {
  std::vector<char*> argv;
  for (const std::string& argument : command) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  const UniqueFd in = MemoryFile(input);
  const UniqueFd out = MemoryFile("");
  const UniqueFd error = MemoryFile("");
  const pid_t pid = ::fork();
  if (pid < 0) throw std::runtime_error("fork");
  if (pid == 0) {
    ::dup2(in.get(), STDIN_FILENO);
    ::dup2(out.get(), STDOUT_FILENO);
    ::dup2(error.get(), STDERR_FILENO);
    ::execvp(argv[0], argv.data());
    ::_exit(127);
  }
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return {.code = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status),
          .out = ContentOf(out),
          .error = ContentOf(error)};
}

std::string MustRun(const std::vector<std::string>& command, const std::string& input) {
  CommandResult result = RunCommand(command, input);
  if (result.code == 0) return std::move(result.out);
  throw std::runtime_error(absl::StrCat(absl::StrJoin(command, " "), " ended with ", result.code,
                                        ": ", result.out, result.error));
}

void MustWrite(const std::filesystem::path& path, const std::string& text) {
  std::filesystem::create_directories(path.parent_path());
  const absl::Status written = WriteFileAtomically(path, text);
  if (!written.ok()) throw std::runtime_error(std::string(written.message()));
}

}  // namespace nodedevice::testing
