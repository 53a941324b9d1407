#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <optional>

#include "lib/base/status.h"

namespace nodedevice {

// Which socket file this is. The change time is part of it: a socket that is removed and created
// again often gets the same inode number (seen in three of three restarts of a kubelet).
struct SocketIdentity {
  dev_t device = 0;
  ino_t inode = 0;
  std::int64_t changed_ns = 0;
  bool operator==(const SocketIdentity&) const = default;
};

// nullopt when nothing, or something that is not a socket, is at `path`.
std::optional<SocketIdentity> ReadSocketIdentity(const std::filesystem::path& path);

// Ok when a process accepts connections on the socket. A socket file outlives its process: a
// kubelet that was stopped leaves one that refuses. Never blocks.
absl::Status Connects(const std::filesystem::path& path);

// Fails with a message for people when a socket at `path` could not be bound or dialled because its
// name is longer than sockaddr_un holds (107 bytes).
absl::Status CheckSocketPathLength(const std::filesystem::path& path);

}  // namespace nodedevice
