#include "devicemanager/control.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string>
#include <utility>

#include "devicemanager/unix_socket.h"
#include "lib/base/log.h"

namespace nodedevice::devicemanager {
namespace {

constexpr std::size_t kMaxLine = 16u << 20;
constexpr int kPeerTimeoutMs = 10'000;  // for somebody who connects and says nothing

absl::Status WaitFor(int fd, short events, int timeout_ms) {
  pollfd poll = {.fd = fd, .events = events, .revents = 0};
  int ready = 0;
  do {
    ready = ::poll(&poll, 1, timeout_ms);
  } while (ready < 0 && errno == EINTR);
  if (ready < 0) return ErrnoStatus(errno, "poll");
  if (ready == 0) return absl::DeadlineExceededError("the other side says nothing");
  return absl::OkStatus();
}

absl::StatusOr<std::string> ReadLine(int fd, int timeout_ms) {
  std::string line;
  char buffer[4096];
  for (;;) {
    RETURN_IF_ERROR(WaitFor(fd, POLLIN, timeout_ms));
    const ssize_t n = ::recv(fd, buffer, sizeof(buffer), 0);
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (n < 0) return ErrnoStatus(errno, "recv");
    if (n == 0) return absl::UnavailableError("the connection ended before an answer");
    line.append(buffer, static_cast<std::size_t>(n));
    if (line.back() == '\n') return line;
    if (line.size() > kMaxLine) return absl::ResourceExhaustedError("the line is too long");
  }
}

absl::Status WriteLine(int fd, const ControlJson& json) {
  const std::string line = json.dump(-1, ' ', false, ControlJson::error_handler_t::replace) + "\n";
  for (std::string_view rest = line; !rest.empty();) {
    RETURN_IF_ERROR(WaitFor(fd, POLLOUT, kPeerTimeoutMs));
    const ssize_t n = ::send(fd, rest.data(), rest.size(), MSG_NOSIGNAL);
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (n < 0) return ErrnoStatus(errno, "send");
    rest.remove_prefix(static_cast<std::size_t>(n));
  }
  return absl::OkStatus();
}

ControlJson Answer(const ControlHandler& handler, const std::string& line) {
  const ControlJson request = ControlJson::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!request.is_object()) return {{"error", "the request is not a JSON object"}};
  absl::StatusOr<ControlJson> result = handler(request);
  if (!result.ok()) return {{"error", std::string(result.status().message())}};
  return {{"result", *std::move(result)}};
}

}  // namespace

absl::StatusOr<std::unique_ptr<ControlServer>> ControlServer::Start(
    EventLoop& loop, const std::filesystem::path& path, ControlHandler handler) {
  ::unlink(path.c_str());  // of a process that was killed; the folder lock says nobody lives
  ASSIGN_OR_RETURN(UniqueFd socket, ListenUnix(path));
  if (::chmod(path.c_str(), 0600) != 0) return ErrnoStatus(errno, path.native());
  return std::unique_ptr<ControlServer>(
      new ControlServer(loop, path, std::move(socket), std::move(handler)));
}

ControlServer::ControlServer(EventLoop& loop, std::filesystem::path path, UniqueFd socket,
                             ControlHandler handler)
    : path_(std::move(path)),
      handler_(std::move(handler)),
      socket_(std::move(socket)),
      waiting_(std::make_unique<ReadWatch>(loop, socket_.get(), [this] { Accept(); })) {}

ControlServer::~ControlServer() {
  waiting_.reset();
  ::unlink(path_.c_str());
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (const int fd : connections_) ::shutdown(fd, SHUT_RDWR);
  }
  threads_.Join();
}

void ControlServer::Accept() {
  for (;;) {
    absl::StatusOr<UniqueFd> connection = AcceptUnix(socket_, SOCK_NONBLOCK);
    if (!connection.ok()) {
      if (!absl::IsUnavailable(connection.status())) {
        spdlog::warn("{}: {}", path_.native(), std::string(connection.status().message()));
      }
      return;
    }
    // Shared, because a std::function must be copyable.
    const auto fd = std::make_shared<UniqueFd>(*std::move(connection));
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      connections_.insert(fd->get());
    }
    threads_.Run([this, fd] {
      Serve(fd->get());
      const std::lock_guard<std::mutex> lock(mutex_);
      connections_.erase(fd->get());
      fd->Reset();
    });
  }
}

void ControlServer::Serve(int fd) {
  const absl::StatusOr<std::string> line = ReadLine(fd, kPeerTimeoutMs);
  if (!line.ok()) return;  // somebody who asked nothing
  if (const absl::Status sent = WriteLine(fd, Answer(handler_, *line)); !sent.ok()) {
    spdlog::debug("control: the asker is gone: {}", std::string(sent.message()));
  }
}

absl::StatusOr<ControlJson> ControlCall(const std::filesystem::path& path,
                                        const ControlJson& request) {
  const absl::StatusOr<UniqueFd> fd = ConnectUnix(path);
  if (!fd.ok()) {
    return absl::UnavailableError(
        absl::StrCat("no device-manager serves there (", fd.status().message(), ")"));
  }
  RETURN_IF_ERROR(WriteLine(fd->get(), request));
  ASSIGN_OR_RETURN(const std::string line, ReadLine(fd->get(), /*timeout_ms=*/-1));
  const ControlJson answer = ControlJson::parse(line, nullptr, /*allow_exceptions=*/false);
  if (answer.is_object() && answer.contains("result") && answer["result"].is_object()) {
    return answer["result"];
  }
  if (answer.is_object() && answer.contains("error") && answer["error"].is_string()) {
    return absl::UnknownError(answer["error"].get<std::string>());
  }
  return absl::InternalError("the answer of device-manager cannot be read");
}

}  // namespace nodedevice::devicemanager
