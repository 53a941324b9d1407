#include "plugin/nvidia/mps.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "lib/base/unique_fd.h"

namespace nodedevice {
namespace {

constexpr char kInContainer[] = "/mps";
constexpr char kSharedMemory[] = "/dev/shm";

std::string FolderOf(const Nvidia& nvidia, const std::string& resource) {
  return absl::StrCat(nvidia.mps_root, "/", resource);
}

// The error number of a datagram's way to the socket: EPROTOTYPE when a process serves it, with
// connections; ECONNREFUSED when none has it open.
int KnockAt(const std::filesystem::path& socket) {
  // By a descriptor of its folder: the path itself may be longer than an address takes.
  const UniqueFd folder(::open(socket.parent_path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!folder) return errno;
  const UniqueFd knocker(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!knocker) return errno;
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  const std::string path =
      absl::StrCat("/proc/self/fd/", folder.get(), "/", socket.filename().native());
  std::memcpy(address.sun_path, path.c_str(), path.size());
  return ::connect(knocker.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0
             ? 0
             : errno;
}

}  // namespace

std::string MpsProblem(const HostRoot& host, const Nvidia& nvidia, const std::string& resource) {
  const std::string folder = FolderOf(nvidia, resource);
  const std::string started = folder + "/.started";
  const std::string socket = folder + "/pipe/control";
  struct stat info;
  if (::lstat(host.ResolveNative(started).c_str(), &info) != 0) {
    return absl::StrCat(started, ": ", std::strerror(errno), "; the control daemon of MPS for ",
                        resource,
                        " is not ready: NVIDIA's mps-control-daemon must run on this node and "
                        "share this resource");
  }
  const int error = KnockAt(host.Resolve(socket));
  if (error == 0 || error == EPROTOTYPE) return "";
  return absl::StrCat(socket, ": ", std::strerror(error), "; the control daemon of MPS for ",
                      resource, " has ended: start NVIDIA's mps-control-daemon of this node anew");
}

std::set<std::filesystem::path> MpsDirectories(const HostRoot& host, const Nvidia& nvidia,
                                               const std::string& resource) {
  const std::string folder = FolderOf(nvidia, resource);
  return {host.Resolve(folder), host.Resolve(folder + "/pipe")};
}

void AddMps(const Nvidia& nvidia, const std::string& resource, const std::string& problem,
            DeviceSet& devices) {
  const std::string pipe = absl::StrCat(kInContainer, "/", resource, "/pipe");
  for (auto& [id, device] : devices) {
    if (device.healthy()) device.problem = problem;
    device.env_items.push_back({"CUDA_MPS_PIPE_DIRECTORY", pipe});
    device.mounts.push_back(
        {absl::StrCat(FolderOf(nvidia, resource), "/pipe"), pipe, /*read_only=*/false});
    device.mounts.push_back(
        {absl::StrCat(nvidia.mps_root, "/shm"), kSharedMemory, /*read_only=*/false});
  }
}

}  // namespace nodedevice
