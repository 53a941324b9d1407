#include "plugin/zcrypt/host_edits.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <vector>

#include "lib/base/unique_fd.h"

namespace nodedevice {
namespace {

namespace fs = std::filesystem;

constexpr mode_t kFolderMode = 0755;
constexpr mode_t kFileMode = 0444;
constexpr char kLabel[] = "security.selinux";
constexpr std::string_view kForContainers = "system_u:object_r:container_file_t:s0";
// How long a look is trusted where nothing tells of changes.
constexpr std::chrono::milliseconds kLook{100};

// What inotify has said so far; only that it said something matters.
void Drain(int fd) {
  char events[4096];
  while (::read(fd, events, sizeof(events)) > 0) {
  }
}

absl::Status MakeOneFolder(const HostRoot& host, const std::string& path) {
  const std::string there = host.ResolveNative(path);
  if (::mkdir(there.c_str(), kFolderMode) == 0) {
    // Whatever the umask is.
    if (::chmod(there.c_str(), kFolderMode) != 0) return ErrnoStatus(errno, path);
    return absl::OkStatus();
  }
  const int error = errno;
  struct stat info = {};
  // Of the folders above ours some may be on file systems that nothing can be made on.
  if (::stat(there.c_str(), &info) == 0 && S_ISDIR(info.st_mode)) return absl::OkStatus();
  return ErrnoStatus(error, path);
}

}  // namespace

absl::Status DirectHostEdits::WriteAttribute(const std::string& path, std::string_view text) {
  const UniqueFd fd(::open(host_.ResolveNative(path).c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd) return ErrnoStatus(errno, path);
  ssize_t written = 0;
  do {
    written = ::write(fd.get(), text.data(), text.size());
  } while (written < 0 && errno == EINTR);
  if (written < 0) return ErrnoStatus(errno, path);
  if (static_cast<std::size_t>(written) != text.size()) {
    return absl::DataLossError(absl::StrCat(path, ": only a part of it was taken"));
  }
  return absl::OkStatus();
}

absl::Status DirectHostEdits::SetMode(const std::string& path, mode_t mode) {
  if (::chmod(host_.ResolveNative(path).c_str(), mode) == 0) return absl::OkStatus();
  return ErrnoStatus(errno, path);
}

bool DirectHostEdits::WaitFor(const std::string& path, Duration at_most) {
  const fs::path there = host_.ResolveNative(path);
  const UniqueFd watch(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (watch) {
    ::inotify_add_watch(watch.get(), there.parent_path().c_str(), IN_CREATE | IN_MOVED_TO);
  }
  const TimePoint end = Clock::now() + at_most;
  while (true) {
    struct stat info = {};
    if (::lstat(there.c_str(), &info) == 0) return true;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now());
    if (left.count() <= 0) return false;
    // poll() passes over a descriptor that is none. The look now and then is for a folder that
    // cannot be watched.
    pollfd entry = {watch.get(), POLLIN, 0};
    ::poll(&entry, 1, static_cast<int>(std::min(left, kLook).count()));
    if (watch) Drain(watch.get());
  }
}

absl::Status DirectHostEdits::MakeFolder(const std::string& path) {
  for (std::size_t slash = path.find('/', 1); slash != std::string::npos;
       slash = path.find('/', slash + 1)) {
    RETURN_IF_ERROR(MakeOneFolder(host_, path.substr(0, slash)));
  }
  return MakeOneFolder(host_, path);
}

absl::Status DirectHostEdits::MakeFile(const std::string& path, std::string_view text) {
  const UniqueFd fd(::open(host_.ResolveNative(path).c_str(),
                           O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, kFileMode));
  if (!fd || ::fchmod(fd.get(), kFileMode) != 0) return ErrnoStatus(errno, path);
  while (!text.empty()) {
    const ssize_t written = ::write(fd.get(), text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return ErrnoStatus(errno, path);
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return absl::OkStatus();
}

absl::Status DirectHostEdits::MakeLink(const std::string& path, const std::string& target) {
  if (::symlink(target.c_str(), host_.ResolveNative(path).c_str()) == 0) return absl::OkStatus();
  return ErrnoStatus(errno, path);
}

absl::Status DirectHostEdits::Rename(const std::string& from, const std::string& to) {
  const std::string target = host_.ResolveNative(to);
  if (std::rename(host_.ResolveNative(from).c_str(), target.c_str()) == 0) return absl::OkStatus();
  return ErrnoStatus(errno, to);
}

absl::Status DirectHostEdits::RemoveAll(const std::string& path) {
  std::error_code error;
  fs::remove_all(host_.ResolveNative(path), error);
  return error ? ErrnoStatus(error.value(), path) : absl::OkStatus();
}

absl::Status DirectHostEdits::LabelForContainers(const std::string& path) {
  const std::string there = host_.ResolveNative(path);
  char label[256];
  const ssize_t length = ::lgetxattr(there.c_str(), kLabel, label, sizeof(label));
  if (length <= 0) return absl::OkStatus();  // no SELinux
  const std::string_view now(label, static_cast<std::size_t>(length));
  if (now.find(":container_file_t:") != std::string_view::npos) return absl::OkStatus();
  if (::lsetxattr(there.c_str(), kLabel, kForContainers.data(), kForContainers.size(), 0) == 0) {
    return absl::OkStatus();
  }
  return Annotate(ErrnoStatus(errno, path), "cannot let containers read it");
}

}  // namespace nodedevice
