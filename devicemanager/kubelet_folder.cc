#include "devicemanager/kubelet_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>

#include "absl/strings/ascii.h"
#include "lib/base/file.h"
#include "lib/kubelet/socket_identity.h"

namespace nodedevice::devicemanager {
namespace {

namespace fs = std::filesystem;

absl::Status MakeFolder(const fs::path& path, mode_t mode) {
  if (::mkdir(path.c_str(), mode) == 0) return absl::OkStatus();
  const int error = errno;
  struct stat info;
  if (error == EEXIST && ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode)) {
    return absl::OkStatus();
  }
  return ErrnoStatus(error, absl::StrCat("make folder ", path.native()));
}

absl::Status RemoveSockets(const fs::path& folder) {
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    std::error_code failed;
    if (!fs::is_socket(entry->symlink_status(failed))) continue;
    if (!fs::remove(entry->path(), failed) && failed) {
      return ErrnoStatus(failed.value(), absl::StrCat("remove ", entry->path().native()));
    }
  }
  if (error) return ErrnoStatus(error.value(), absl::StrCat("read ", folder.native()));
  return absl::OkStatus();
}

}  // namespace

fs::path ControlSocket(const KubeletPaths& paths) { return paths.root() / "device-manager.sock"; }

absl::StatusOr<UniqueFd> LockFolder(const KubeletPaths& paths) {
  for (const fs::path& socket :
       {paths.registration_socket(), paths.pod_resources_socket(), ControlSocket(paths)}) {
    RETURN_IF_ERROR(CheckSocketPathLength(socket));
  }
  std::error_code error;
  fs::create_directories(paths.root(), error);
  if (error) {
    return ErrnoStatus(error.value(), absl::StrCat("make folder ", paths.root().native()));
  }
  const fs::path path = paths.root() / "device-manager.lock";
  UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (!fd) return ErrnoStatus(errno, absl::StrCat("open ", path.native()));
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return ErrnoStatus(errno, absl::StrCat("lock ", path.native()));
    const absl::StatusOr<std::string> owner = ReadAttribute(path);
    return absl::AlreadyExistsError(
        absl::StrCat("another device-manager serves ", paths.root().native(), " already",
                     owner.ok() && !owner->empty() ? absl::StrCat(" (process ", *owner, ")") : "",
                     "; stop it or use another --kubelet-dir"));
  }
  const std::string pid = absl::StrCat(::getpid(), "\n");
  if (::ftruncate(fd.get(), 0) != 0 ||
      ::write(fd.get(), pid.data(), pid.size()) != static_cast<ssize_t>(pid.size())) {
    return ErrnoStatus(errno, absl::StrCat("write ", path.native()));
  }
  return fd;
}

absl::Status RefuseLiveKubelet(const KubeletPaths& paths) {
  if (!Connects(paths.registration_socket()).ok()) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("a kubelet answers on ", paths.registration_socket().native(),
                   "; its sockets are not touched; use another --kubelet-dir"));
}

absl::Status PrepareFolder(const KubeletPaths& paths) {
  std::error_code error;
  fs::create_directories(paths.root(), error);  // somebody may have removed it since the start
  RETURN_IF_ERROR(MakeFolder(paths.device_plugins(), 0750));
  RETURN_IF_ERROR(MakeFolder(paths.pod_resources(), 0750));
  RETURN_IF_ERROR(MakeFolder(paths.plugins_registry(), 0755));
  RETURN_IF_ERROR(RemoveSockets(paths.device_plugins()));
  return RemoveSockets(paths.pod_resources());
}

}  // namespace nodedevice::devicemanager
