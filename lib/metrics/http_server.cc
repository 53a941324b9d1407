#include "lib/metrics/http_server.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/socket.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <exception>
#include <thread>
#include <utility>

#include "lib/base/event_loop.h"
#include "lib/base/unique_fd.h"
#include "lib/metrics/listen_address.h"
#include "lib/metrics/token_reviews.h"

namespace nodedevice {
namespace {

using boost::asio::posix::stream_descriptor;

constexpr int kBacklog = 64;
constexpr int kAcceptedAtOnce = 16;  // then others have their turn
// Until the next try when the process has no descriptor or memory left for a connection.
constexpr Duration kOutOfDescriptors = std::chrono::milliseconds(100);

HttpResponse NotFound(const HttpServer::Routes& routes) {
  std::string body = "not found; there is:\n";
  for (const auto& [path, handler] : routes) absl::StrAppend(&body, path, "\n");
  return {.status = 404, .body = std::move(body)};
}

void NoDelay(int fd) {
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

}  // namespace

// Everything below Run() happens on the server's thread.
struct HttpServer::Impl {
  Impl(UniqueFd listening, Routes paths, HttpServerOptions server_options)
      : listener_fd(std::move(listening)),
        routes(std::move(paths)),
        options(std::move(server_options)),
        listener(context, listener_fd.get()),
        pause(context),
        reviews(std::move(options.review), [this](std::function<void()> call) {
          boost::asio::post(context, std::move(call));
        }) {
    service.limits = options.limits;
    service.answer = [this](const HttpRequest& request,
                            const std::optional<std::string>& certificate_name,
                            std::function<void(const HttpResponse&)> done) {
      Answer(request, certificate_name, std::move(done));
    };
    service.late = NotReviewed(
        absl::DeadlineExceededError("the Kubernetes API did not answer in time; is it up?"));
  }
  ~Impl() { listener.release(); }  // borrowed: asio must not close it

  void Run() {
    BlockSignals({SIGPIPE});  // OpenSSL writes to sockets that may have been closed
    for (;;) {
      // What throws in a step, such as a lack of memory, costs that step: the connection it
      // belongs to ends by its deadline.
      try {
        context.run();
        return;
      } catch (const std::exception&) {
        if (!ending) AcceptSoon();
      }
    }
  }

  void AcceptSoon() {
    listener.cancel();  // one wait at a time
    listener.async_wait(stream_descriptor::wait_read,
                        [this](const boost::system::error_code& error) {
                          if (!error) Accept();
                        });
  }

  void Accept() {
    for (int i = 0; i < kAcceptedAtOnce && !ending; ++i) {
      UniqueFd fd(::accept4(listener_fd.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (fd) {
        Take(std::move(fd));
        continue;
      }
      if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
        pause.expires_after(kOutOfDescriptors);
        return pause.async_wait([this](const boost::system::error_code& error) {
          if (!error && !ending) AcceptSoon();
        });
      }
      if (errno == EAGAIN) break;  // anything else is the end of that one connection
    }
    if (!ending) AcceptSoon();
  }

  void Take(UniqueFd fd) {
    if (connections.size() >= options.limits.connections && !CloseLongestIdle()) return;
    NoDelay(fd.get());
    if (options.tls) options.tls->Refresh(Clock::now());
    const auto connection = HttpConnection::Start(
        context, SocketStream(std::move(fd), options.tls ? options.tls->context() : nullptr),
        service, [this](HttpConnection* closed) {
          connections.erase(closed);
          if (farewell && connections.empty()) farewell->cancel();
        });
    connections[connection.get()] = connection;
  }

  // Who only keeps a connection for later gives way to who wants something now.
  bool CloseLongestIdle() {
    HttpConnection* longest = nullptr;
    for (const auto& [connection, owned] : connections) {
      if (!connection->idle_since()) continue;
      if (longest == nullptr || connection->idle_since() < longest->idle_since()) {
        longest = connection;
      }
    }
    if (longest == nullptr) return false;
    const auto owned = connections.extract(longest);
    longest->Close();
    return true;
  }

  void Answer(const HttpRequest& request, const std::optional<std::string>& certificate_name,
              std::function<void(const HttpResponse&)> done) {
    if (request.method != "GET" && request.method != "HEAD") {
      return done({.status = 405, .body = "only GET and HEAD are answered\n"});
    }
    if (options.tls == nullptr) return done(Handle(request.path));
    // Not only when somebody connects: a client may stay connected for months, and /metrics tells
    // when the certificate expires.
    options.tls->Refresh(Clock::now());
    const Access access = DecideAccess(options.access, request, certificate_name);
    if (access != Access::kReview) {
      return done(Decided(access, request.path, certificate_name.value_or("")));
    }
    reviews.Ask(*request.bearer_token, [this, path = request.path, done = std::move(done)](
                                           const absl::StatusOr<TokenVerdict>& verdict) {
      done(verdict.ok() ? Decided(DecideAccess(*verdict), path, verdict->user)
                        : NotReviewed(verdict.status()));
    });
  }

  HttpResponse Decided(Access access, const std::string& path, const std::string& user) const {
    switch (access) {
      case Access::kGranted:
        return Handle(path);
      case Access::kForbidden:
        return Forbidden(user);
      case Access::kUnauthenticated:
      case Access::kReview:
        break;
    }
    return Unauthenticated();
  }

  HttpResponse Handle(const std::string& path) const {
    const auto route = routes.find(path);
    if (route == routes.end()) return NotFound(routes);
    try {
      return route->second();
    } catch (const std::exception& error) {
      return {.status = 500, .body = absl::StrCat(error.what(), "\n")};
    }
  }

  // The thread ends when nothing is left to do.
  void End() {
    ending = true;
    listener.cancel();
    pause.cancel();
    if (connections.empty()) return;
    farewell.emplace(context);
    farewell->expires_after(options.limits.farewell);
    farewell->async_wait([this](const boost::system::error_code& error) {
      if (error) return;
      for (const auto& [connection, owned] : connections) connection->Close();
    });
    for (const auto& [connection, owned] : connections) connection->Finish();
  }

  UniqueFd listener_fd;
  ListenAddress listen;
  std::string address;
  const Routes routes;
  HttpServerOptions options;
  HttpService service;
  boost::asio::io_context context{1};
  stream_descriptor listener;
  boost::asio::steady_timer pause;
  std::optional<boost::asio::steady_timer> farewell;
  TokenReviews reviews;
  std::map<HttpConnection*, std::shared_ptr<HttpConnection>> connections;
  bool ending = false;
  std::thread thread;
};

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::Start(const std::string& listen,
                                                              Routes routes,
                                                              HttpServerOptions options) {
  ASSIGN_OR_RETURN(ListenAddress address, ParseListenAddress(listen));
  const std::string flag = absl::StrCat("--listen ", listen);
  if (!address.loopback && options.tls == nullptr && !options.plain_everywhere) {
    return absl::InvalidArgumentError(
        absl::StrCat(flag, ": plain HTTP is served on loopback only"));
  }
  absl::StatusOr<UniqueFd> listener = Listen(address, kBacklog);
  if (!listener.ok()) return Annotate(listener.status(), flag);
  try {
    auto impl = std::make_unique<Impl>(*std::move(listener), std::move(routes), std::move(options));
    impl->listen = address;
    impl->address = address.ToString();
    impl->AcceptSoon();
    impl->thread = std::thread([impl = impl.get()] { impl->Run(); });
    return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
  } catch (const std::exception& error) {
    return absl::UnavailableError(absl::StrCat(flag, ": cannot serve: ", error.what()));
  }
}

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

HttpServer::~HttpServer() {
  boost::asio::post(impl_->context, [impl = impl_.get()] { impl->End(); });
  impl_->thread.join();
}

const std::string& HttpServer::address() const { return impl_->address; }

std::uint16_t HttpServer::port() const { return impl_->listen.port; }

}  // namespace nodedevice
