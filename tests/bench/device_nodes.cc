#include "tests/bench/device_nodes.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>

namespace nodedevice::bench {
namespace {

constexpr mode_t kMode = 0600;
constexpr unsigned kMemoryMajor = 1;  // the kernel's memory devices, of which 3 is /dev/null
constexpr unsigned kNullMinor = 3;

}  // namespace

absl::Status DeviceNodes::Add(int number) const {
  const std::filesystem::path path = Path(number);
  if (::mknod(path.c_str(), S_IFCHR | kMode, makedev(kMemoryMajor, kNullMinor)) == 0) {
    return absl::OkStatus();
  }
  if (errno == EPERM && ::mkfifo(path.c_str(), kMode) == 0) return absl::OkStatus();
  return ErrnoStatus(errno, path.native());
}

absl::Status DeviceNodes::Remove(int number) const {
  const std::filesystem::path path = Path(number);
  if (::unlink(path.c_str()) == 0) return absl::OkStatus();
  return ErrnoStatus(errno, path.native());
}

}  // namespace nodedevice::bench
