#include "plugin/own_sockets.h"

#include <unistd.h>

#include <chrono>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "lib/base/file.h"
#include "lib/kubelet/socket_identity.h"
#include "plugin/device.h"

namespace nodedevice {
namespace {

// Process ids repeat in containers, where the plugin often has the same one at every start.
std::uint64_t StartMark() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(now).count() & 0xffffffff);
}

}  // namespace

OwnSockets::OwnSockets(std::filesystem::path folder, const std::string& resource)
    : folder_(std::move(folder)), prefix_(MakeDeviceId("nd", resource) + "-") {}

std::string OwnSockets::NameFor(std::uint64_t generation) const {
  static const std::uint64_t mark = StartMark();
  return absl::StrCat(prefix_, absl::Hex(mark), "-", ::getpid(), "-", generation, ".sock");
}

std::filesystem::path OwnSockets::PathFor(std::uint64_t generation) const {
  return folder_ / NameFor(generation);
}

void OwnSockets::RemoveStale() const {
  std::error_code error;
  for (const std::string& name : NamesIn(folder_)) {
    if (!name.starts_with(prefix_)) continue;
    const std::filesystem::path socket = folder_ / name;
    if (!std::filesystem::is_socket(socket, error) || Connects(socket).ok()) continue;
    std::filesystem::remove(socket, error);
  }
}

}  // namespace nodedevice
