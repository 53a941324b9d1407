#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "lib/base/status.h"
#include "lib/base/unique_fd.h"

namespace nodedevice {

// Where a server listens, as --listen gives it: a numeric address, so that nothing depends on name
// resolution at boot, and a port, 0 for any free one.
struct ListenAddress {
  std::string host;  // "127.0.0.1" or "::1"
  bool ipv6 = false;
  bool loopback = false;
  std::uint16_t port = 0;

  // "127.0.0.1:9807", "[::1]:9807".
  std::string ToString() const;
};

absl::StatusOr<ListenAddress> ParseListenAddress(std::string_view text);

// A listening, non-blocking TCP socket there; sets the port that was found for 0. "[::]" takes IPv4
// too, and is "0.0.0.0" on a machine without IPv6.
absl::StatusOr<UniqueFd> Listen(ListenAddress& address, int backlog);

}  // namespace nodedevice
