#include "plugin/discovery/device_node.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace nodedevice {
namespace {

// Ordinary files live below /dev only in /dev/shm.
bool MustBeDeviceNode(std::string_view host_path) {
  return host_path.starts_with("/dev/") && !host_path.starts_with("/dev/shm/");
}

}  // namespace

bool IsDeviceNode(mode_t mode) { return S_ISCHR(mode) || S_ISBLK(mode) || S_ISFIFO(mode); }

std::string NodeProblem(const HostRoot& host, const std::string& host_path) {
  struct stat info = {};
  if (::lstat(host.ResolveNative(host_path).c_str(), &info) != 0) {
    return absl::StrCat(host_path, ": ", std::strerror(errno));
  }
  if (IsDeviceNode(info.st_mode)) return "";
  const char* what = S_ISDIR(info.st_mode) ? "folder" : S_ISLNK(info.st_mode) ? "link" : "file";
  return absl::StrCat(host_path, " is a ", what, ", not a device node");
}

std::string NamedNodeProblem(std::string_view host_path, int error, mode_t mode) {
  const std::string path(host_path);
  if (error != 0) return absl::StrCat(path, ": ", std::strerror(error));
  if (IsDeviceNode(mode) || S_ISDIR(mode) || !MustBeDeviceNode(host_path)) return "";
  return absl::StrCat(path, " is a file, not a device node");
}

}  // namespace nodedevice
