#pragma once

#include <filesystem>

#include "lib/base/unique_fd.h"

namespace nodedevice::testing {

// A process that listens on a unix socket and never answers. As a kubelet that was stopped, it
// leaves the socket file behind.
class UnixListener {
 public:
  explicit UnixListener(const std::filesystem::path& path, int backlog = 16);

 private:
  UniqueFd fd_;
};

// One connection to such a socket, or an invalid descriptor. Never blocks.
UniqueFd Dial(const std::filesystem::path& path);

}  // namespace nodedevice::testing
