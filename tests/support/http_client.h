#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "lib/base/unique_fd.h"

namespace nodedevice::testing {

struct HttpAnswer {
  int status = 0;  // 0: no answer
  std::string head;
  std::string body;
};

// Sends these bytes to 127.0.0.1:port and reads until the server closes the connection: ask for
// that with "Connection: close".
inline HttpAnswer SendHttp(std::uint16_t port, std::string_view request) {
  const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const timeval limit{.tv_sec = 30, .tv_usec = 0};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    return {};
  }
  while (!request.empty()) {
    const ssize_t sent = ::send(fd.get(), request.data(), request.size(), MSG_NOSIGNAL);
    if (sent <= 0) break;  // the server may refuse before it has read everything
    request.remove_prefix(static_cast<std::size_t>(sent));
  }
  std::string text;
  char buffer[4096];
  ssize_t n;
  while ((n = ::recv(fd.get(), buffer, sizeof(buffer), 0)) > 0) {
    text.append(buffer, static_cast<std::size_t>(n));
  }
  constexpr std::string_view kProtocol = "HTTP/1.1 ";
  const std::size_t end = text.find("\r\n\r\n");
  if (!text.starts_with(kProtocol) || end == std::string::npos) return {};
  return {.status = std::atoi(text.c_str() + kProtocol.size()),
          .head = text.substr(0, end + 2),
          .body = text.substr(end + 4)};
}

inline HttpAnswer HttpGet(std::uint16_t port, const std::string& path,
                          const std::string& method = "GET") {
  return SendHttp(
      port, method + " " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
}

}  // namespace nodedevice::testing
