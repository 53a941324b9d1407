#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "lib/base/status.h"
#include "lib/metrics/access.h"
#include "lib/metrics/http_connection.h"
#include "lib/metrics/http_response.h"
#include "lib/metrics/tls_credentials.h"

namespace nodedevice {

struct HttpServerOptions {
  // HTTPS with these, on any address, for whom the rules let in; they must outlive the server, and
  // the server refreshes them. Null: plain HTTP for everybody on the node, on loopback.
  TlsCredentials* tls = nullptr;
  AccessRules access = {};
  TokenReviewer review = {};  // without one, no bearer token is accepted
  HttpLimits limits = {};
  // Plain HTTP on any address: for probes of a kubelet, which answer nothing worth hiding.
  bool plain_everywhere = false;
};

// Answers GET and HEAD requests for a fixed set of paths. Meant for /metrics, /healthz, /readyz and
// a page for people: query strings are ignored, other methods get 405, other paths 404, a request
// with a body 413 and one with a long header 431; slow, idle and too many clients are cut off as
// HttpLimits says.
//
// Handlers run one at a time on the server's only thread: they may only read what is safe to share
// (a Published snapshot), must not block, and what they refer to must outlive the server.
class HttpServer {
 public:
  using Handler = std::function<HttpResponse()>;
  using Routes = std::map<std::string, Handler, std::less<>>;  // by exact path

  // Listens on "127.0.0.1:9807", "[::1]:9807" or with port 0 on any free port; "[::]:9807" takes
  // IPv4 too. Fails, with a message that begins with "--listen <address>", when the address is
  // malformed or in use, or when it is not a loopback address and there is no TLS, unless that is
  // asked for.
  static absl::StatusOr<std::unique_ptr<HttpServer>> Start(const std::string& listen, Routes routes,
                                                           HttpServerOptions options = {});

  // Closes the port, gives requests that were read a moment to be answered, and ends the thread.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // Where it listens, with the port that was found for 0: "127.0.0.1:40123".
  const std::string& address() const;
  std::uint16_t port() const;

 private:
  struct Impl;
  explicit HttpServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace nodedevice
