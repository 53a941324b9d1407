#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "lib/base/status.h"

namespace nodedevice {

struct HttpResponse {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
};

// Answers GET and HEAD requests for a fixed set of paths. Meant for /metrics, /healthz, /readyz and
// a page for people: query strings and request bodies are ignored, other methods get 405, other
// paths 404, long headers and slow clients are cut off.
//
// Handlers run on the server's two threads, two at a time: they may only read what is safe to share
// (a Published snapshot), must not block, and what they refer to must outlive the server.
class HttpServer {
 public:
  using Handler = std::function<HttpResponse()>;
  using Routes = std::map<std::string, Handler, std::less<>>;  // by exact path

  // Listens on "127.0.0.1:9807", "[::1]:9807" or with port 0 on any free port. Fails, with a
  // message that begins with "--listen <address>", when the address is malformed or in use, or is
  // not a loopback address: what is served is not encrypted.
  static absl::StatusOr<std::unique_ptr<HttpServer>> Start(const std::string& listen,
                                                           Routes routes);

  // Finishes requests that run and closes the port.
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
