#include "lib/metrics/listen_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <charconv>

namespace nodedevice {
namespace {

constexpr std::uint32_t kLoopbackNetwork = 127;  // 127.0.0.0/8

absl::Status Malformed(std::string_view text) {
  return absl::InvalidArgumentError(
      absl::StrCat("--listen ", std::string(text),
                   ": expected ADDRESS:PORT with a numeric address, such as 127.0.0.1:9807 or "
                   "[::1]:9807"));
}

}  // namespace

std::string ListenAddress::ToString() const {
  return ipv6 ? absl::StrCat("[", host, "]:", port) : absl::StrCat(host, ":", port);
}

absl::StatusOr<ListenAddress> ParseListenAddress(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return Malformed(text);
  std::string_view host = text.substr(0, colon);
  const std::string_view port = text.substr(colon + 1);

  ListenAddress address;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), address.port);
  if (error != std::errc() || end != port.data() + port.size()) return Malformed(text);

  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    address.ipv6 = true;
    host = host.substr(1, host.size() - 2);
  }
  address.host = std::string(host);
  if (address.ipv6) {
    in6_addr binary = {};
    if (::inet_pton(AF_INET6, address.host.c_str(), &binary) != 1) return Malformed(text);
    address.loopback = IN6_IS_ADDR_LOOPBACK(&binary);
  } else {
    in_addr binary = {};
    if (::inet_pton(AF_INET, address.host.c_str(), &binary) != 1) return Malformed(text);
    address.loopback = ntohl(binary.s_addr) >> 24 == kLoopbackNetwork;
  }
  return address;
}

}  // namespace nodedevice
