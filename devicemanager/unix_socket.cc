#include "devicemanager/unix_socket.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>

#include "lib/kubelet/socket_identity.h"

namespace nodedevice::devicemanager {
namespace {

absl::StatusOr<sockaddr_un> AddressOf(const std::filesystem::path& path) {
  RETURN_IF_ERROR(CheckSocketPathLength(path));
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.native().size());
  return address;
}

absl::StatusOr<UniqueFd> NewSocket() {
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return ErrnoStatus(errno, "socket");
  return fd;
}

}  // namespace

absl::StatusOr<UniqueFd> ListenUnix(const std::filesystem::path& path) {
  ASSIGN_OR_RETURN(const sockaddr_un address, AddressOf(path));
  ASSIGN_OR_RETURN(UniqueFd fd, NewSocket());
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    return ErrnoStatus(errno, absl::StrCat("listen on ", path.native()));
  }
  if (::listen(fd.get(), SOMAXCONN) != 0) {
    return ErrnoStatus(errno, absl::StrCat("listen on ", path.native()));
  }
  return fd;
}

absl::StatusOr<UniqueFd> ConnectUnix(const std::filesystem::path& path) {
  ASSIGN_OR_RETURN(const sockaddr_un address, AddressOf(path));
  ASSIGN_OR_RETURN(UniqueFd fd, NewSocket());
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    return ErrnoStatus(errno, absl::StrCat("dial unix ", path.native()));
  }
  return fd;
}

absl::StatusOr<UniqueFd> AcceptUnix(const UniqueFd& listener, int flags) {
  UniqueFd fd(::accept4(listener.get(), nullptr, nullptr, flags | SOCK_CLOEXEC));
  if (!fd) return ErrnoStatus(errno, "accept");
  return fd;
}

}  // namespace nodedevice::devicemanager
