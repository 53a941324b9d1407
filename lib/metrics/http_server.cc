#include "lib/metrics/http_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <chrono>
#include <exception>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "civetweb.h"
#include "lib/base/unique_fd.h"
#include "lib/metrics/listen_address.h"

namespace nodedevice {
namespace {

constexpr char kHtml[] = "text/html";
constexpr auto kBetweenKnocks = std::chrono::milliseconds(5);

std::string_view ReasonPhrase(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 503:
      return "Service Unavailable";
    default:
      return status < 400 ? "OK" : "Error";
  }
}

void Write(mg_connection* connection, const HttpResponse& response, bool with_body) {
  std::string text = absl::StrCat(
      "HTTP/1.1 ", response.status, " ", std::string(ReasonPhrase(response.status)),
      "\r\nContent-Type: ", response.content_type, "\r\nContent-Length: ", response.body.size(),
      "\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n");
  if (response.status == 405) absl::StrAppend(&text, "Allow: GET, HEAD\r\n");
  // What a page shows came from other processes: should an escape ever be forgotten, it still runs
  // no script and loads nothing.
  if (response.content_type.starts_with(kHtml)) {
    absl::StrAppend(&text,
                    "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'\r\n");
  }
  absl::StrAppend(&text, "\r\n");
  if (with_body) text += response.body;
  // A client that went away needs no answer.
  [[maybe_unused]] const int written = mg_write(connection, text.data(), text.size());
}

// Connects and hangs up. Whether it works does not matter.
void Knock(const ListenAddress& address) {
  const UniqueFd fd(
      ::socket(address.ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (address.ipv6) {
    sockaddr_in6 peer = {};
    peer.sin6_family = AF_INET6;
    peer.sin6_port = htons(address.port);
    ::inet_pton(AF_INET6, address.host.c_str(), &peer.sin6_addr);
    (void)::connect(fd.get(), reinterpret_cast<const sockaddr*>(&peer), sizeof(peer));
  } else {
    sockaddr_in peer = {};
    peer.sin_family = AF_INET;
    peer.sin_port = htons(address.port);
    ::inet_pton(AF_INET, address.host.c_str(), &peer.sin_addr);
    (void)::connect(fd.get(), reinterpret_cast<const sockaddr*>(&peer), sizeof(peer));
  }
}

}  // namespace

struct HttpServer::Impl {
  HttpResponse Answer(const mg_request_info& request) const {
    const std::string_view method = request.request_method ? request.request_method : "";
    if (method != "GET" && method != "HEAD") {
      return {.status = 405, .body = "only GET and HEAD are answered\n"};
    }
    const auto route = routes.find(std::string_view(request.local_uri ? request.local_uri : ""));
    if (route == routes.end()) {
      std::string body = "not found; there is:\n";
      for (const auto& [path, handler] : routes) absl::StrAppend(&body, path, "\n");
      return {.status = 404, .body = std::move(body)};
    }
    // The C library above cannot carry an exception, such as one of memory.
    try {
      return route->second();
    } catch (const std::exception& error) {
      return {.status = 500, .body = absl::StrCat(error.what(), "\n")};
    }
  }

  static Impl* Of(const mg_connection* connection) {
    return static_cast<Impl*>(mg_get_user_data(mg_get_context(connection)));
  }

  // Called for every request before CivetWeb looks at files, which it is never to serve.
  static int OnRequest(mg_connection* connection) {
    const mg_request_info& request = *mg_get_request_info(connection);
    const HttpResponse response = Of(connection)->Answer(request);
    const bool head = std::string_view(request.request_method) == "HEAD";
    Write(connection, response, !head);
    return response.status;  // handled
  }

  // CivetWeb tells why it cannot start only here, from inside mg_start().
  static int OnMessage(const mg_connection* connection, const char* message) {
    Impl* self = Of(connection);
    if (self && std::this_thread::get_id() == self->starter && self->problem.empty()) {
      self->problem = message;  // the first one: what follows is its consequence
    }
    return 1;  // do not print it
  }

  ListenAddress listen;
  std::string address;
  Routes routes;
  const std::thread::id starter = std::this_thread::get_id();
  std::string problem;  // touched by that thread only
  mg_context* context = nullptr;
};

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::Start(const std::string& listen,
                                                              Routes routes) {
  auto impl = std::make_unique<Impl>();
  ASSIGN_OR_RETURN(impl->listen, ParseListenAddress(listen));
  const std::string context = absl::StrCat("--listen ", listen);
  if (!impl->listen.loopback) {
    return absl::InvalidArgumentError(
        absl::StrCat(context, ": plain HTTP is served on loopback only"));
  }
  impl->routes = std::move(routes);

  const std::string port = impl->listen.ToString();
  std::vector<const char*> options;
  const auto set = [&options](const char* name, const char* value) {
    options.insert(options.end(), {name, value});
  };
  set("listening_ports", port.c_str());
  set("num_threads", "2");
  set("max_request_size", "8192");
  set("request_timeout_ms", "5000");
  set("enable_keep_alive", "no");  // an idle client must not hold one of the two threads
  set("enable_directory_listing", "no");
  set("access_control_allow_origin", "");
  set("access_control_allow_methods", "");
  options.push_back(nullptr);
  mg_callbacks callbacks = {};
  callbacks.begin_request = &Impl::OnRequest;
  callbacks.log_message = &Impl::OnMessage;
  impl->context = mg_start(&callbacks, impl.get(), options.data());
  if (impl->context == nullptr) {
    return absl::UnavailableError(absl::StrCat(
        context, ": cannot listen: ", impl->problem.empty() ? "unknown reason" : impl->problem));
  }
  mg_server_port bound = {};
  if (mg_get_server_ports(impl->context, 1, &bound) == 1) {
    impl->listen.port = static_cast<std::uint16_t>(bound.port);
  }
  impl->address = impl->listen.ToString();
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

HttpServer::~HttpServer() {
  // CivetWeb's listening thread looks at its stop flag every two seconds, or after a connection.
  const std::jthread knocker([this](const std::stop_token& done) {
    while (!done.stop_requested()) {
      Knock(impl_->listen);
      std::this_thread::sleep_for(kBetweenKnocks);
    }
  });
  mg_stop(impl_->context);
}

const std::string& HttpServer::address() const { return impl_->address; }

std::uint16_t HttpServer::port() const { return impl_->listen.port; }

}  // namespace nodedevice
