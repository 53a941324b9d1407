#include "plugin/discovery/device_node.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>

#include "lib/base/status.h"

namespace nodedevice {
namespace {

// Ordinary files live below /dev only in /dev/shm.
bool MustBeDeviceNode(std::string_view host_path) {
  return host_path.starts_with("/dev/") && !host_path.starts_with("/dev/shm/");
}

}  // namespace

std::string NodeProblem(std::string_view host_path, int error, mode_t mode) {
  const std::string path(host_path);
  if (error != 0) return absl::StrCat(path, ": ", std::strerror(error));
  const bool is_node = S_ISCHR(mode) || S_ISBLK(mode) || S_ISFIFO(mode) || S_ISDIR(mode);
  if (is_node || !MustBeDeviceNode(host_path)) return "";
  return absl::StrCat(path, " is a file, not a device node");
}

std::string NodeProblem(const HostRoot& host, const std::string& host_path) {
  struct stat info = {};
  const int error = ::lstat(host.ResolveNative(host_path).c_str(), &info) == 0 ? 0 : errno;
  return NodeProblem(host_path, error, info.st_mode);
}

}  // namespace nodedevice
