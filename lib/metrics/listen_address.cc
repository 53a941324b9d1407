#include "lib/metrics/listen_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
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

// The address as the kernel takes it.
struct SocketAddress {
  sockaddr_storage storage = {};
  socklen_t size = 0;

  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

SocketAddress ToSocketAddress(const ListenAddress& address) {
  SocketAddress result;
  if (address.ipv6) {
    auto* in6 = reinterpret_cast<sockaddr_in6*>(&result.storage);
    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons(address.port);
    ::inet_pton(AF_INET6, address.host.c_str(), &in6->sin6_addr);
    result.size = sizeof(*in6);
  } else {
    auto* in4 = reinterpret_cast<sockaddr_in*>(&result.storage);
    in4->sin_family = AF_INET;
    in4->sin_port = htons(address.port);
    ::inet_pton(AF_INET, address.host.c_str(), &in4->sin_addr);
    result.size = sizeof(*in4);
  }
  return result;
}

std::uint16_t PortOf(const SocketAddress& address) {
  const sockaddr_storage& storage = address.storage;
  return ntohs(storage.ss_family == AF_INET6
                   ? reinterpret_cast<const sockaddr_in6&>(storage).sin6_port
                   : reinterpret_cast<const sockaddr_in&>(storage).sin_port);
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

absl::StatusOr<UniqueFd> Listen(ListenAddress& address, int backlog) {
  UniqueFd fd(
      ::socket(address.ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd && errno == EAFNOSUPPORT && address.ipv6 && address.host == "::") {
    address = {.host = "0.0.0.0", .ipv6 = false, .loopback = false, .port = address.port};
    return Listen(address, backlog);
  }
  if (!fd) return ErrnoStatus(errno, "cannot listen");
  const int on = 1;
  const int off = 0;
  // A restarted program need not wait for the connections of the one before it to be forgotten.
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (address.ipv6) ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
  SocketAddress socket_address = ToSocketAddress(address);
  if (::bind(fd.get(), socket_address.get(), socket_address.size) != 0 ||
      ::listen(fd.get(), backlog) != 0 ||
      ::getsockname(fd.get(), socket_address.get(), &socket_address.size) != 0) {
    return ErrnoStatus(errno, "cannot listen");
  }
  address.port = PortOf(socket_address);
  return fd;
}

}  // namespace nodedevice
