#include "lib/kubelet/socket_identity.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "lib/base/unique_fd.h"

namespace nodedevice {

std::optional<SocketIdentity> ReadSocketIdentity(const std::filesystem::path& path) {
  struct stat info;
  if (::lstat(path.c_str(), &info) != 0 || !S_ISSOCK(info.st_mode)) return std::nullopt;
  return SocketIdentity{
      .device = info.st_dev,
      .inode = info.st_ino,
      .changed_ns = std::int64_t{info.st_ctim.tv_sec} * 1'000'000'000 + info.st_ctim.tv_nsec};
}

absl::Status CheckSocketPathLength(const std::filesystem::path& path) {
  constexpr std::size_t kLimit = sizeof(sockaddr_un::sun_path) - 1;
  if (path.native().size() <= kLimit) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("the socket path ", path.native(), " has ", path.native().size(),
                   " characters, the system allows ", kLimit, "; use a shorter --kubelet-dir"));
}

absl::Status Connects(const std::filesystem::path& path) {
  RETURN_IF_ERROR(CheckSocketPathLength(path));
  const UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return ErrnoStatus(errno, "socket");
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.native().size());
  // EAGAIN: the queue of a living listener is full.
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0 ||
      errno == EAGAIN) {
    return absl::OkStatus();
  }
  return ErrnoStatus(errno, path.native());
}

}  // namespace nodedevice
