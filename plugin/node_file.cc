#include "plugin/node_file.h"

#include <cstddef>

#include "lib/base/file.h"

namespace nodedevice {
namespace {

constexpr std::size_t kMaxNodeFile = 4u << 20;

}  // namespace

absl::StatusOr<std::string> ReadNodeFile(const HostRoot& host, const std::string& path) {
  return ReadFile(host.Resolve(host.Canonical(path)), kMaxNodeFile);
}

std::set<std::filesystem::path> NodeFileDirectories(const HostRoot& host, const std::string& path) {
  return {host.Resolve(path).parent_path(), host.Resolve(host.Canonical(path)).parent_path()};
}

}  // namespace nodedevice
