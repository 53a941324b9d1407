#include "plugin/report_pipe.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <utility>

namespace nodedevice {
namespace {

constexpr std::chrono::milliseconds kRetry(20);

}  // namespace

bool ReportPipe::IsPresent(int fd) {
  struct stat info;
  const int flags = ::fcntl(fd, F_GETFL);
  return flags >= 0 && (flags & O_ACCMODE) == O_WRONLY && ::fstat(fd, &info) == 0 &&
         S_ISFIFO(info.st_mode);
}

ReportPipe::ReportPipe(EventLoop& loop, int fd, std::function<void()> on_agent_gone)
    : fd_(fd), on_agent_gone_(std::move(on_agent_gone)), retry_(loop, [this] { Flush(); }) {
  ::fcntl(fd_, F_SETFL, ::fcntl(fd_, F_GETFL) | O_NONBLOCK);
  ::fcntl(fd_, F_SETFD, FD_CLOEXEC);
  broken_ = std::make_unique<ReadWatch>(loop, fd_, [this] { AgentGone(); });
}

void ReportPipe::Send(std::string line) {
  newest_ = std::move(line) + "\n";
  Flush();
}

void ReportPipe::Flush() {
  while (broken_ != nullptr) {
    if (rest_.empty()) rest_ = std::exchange(newest_, {});
    if (rest_.empty()) return;
    const ssize_t n = ::write(fd_, rest_.data(), rest_.size());
    if (n >= 0) {
      rest_.erase(0, static_cast<std::size_t>(n));
    } else if (errno == EAGAIN) {
      retry_.After(kRetry);
      return;
    } else if (errno != EINTR) {
      AgentGone();
      return;
    }
  }
}

void ReportPipe::AgentGone() {
  if (broken_ == nullptr) return;
  broken_.reset();
  retry_.Cancel();
  on_agent_gone_();
}

}  // namespace nodedevice
