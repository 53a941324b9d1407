#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "lib/base/clock.h"
#include "lib/metrics/http_request.h"
#include "lib/metrics/http_response.h"
#include "lib/metrics/socket_stream.h"

namespace boost::asio {
class io_context;
}

namespace nodedevice {

// What keeps slow, silent and many clients from holding a server.
struct HttpLimits {
  std::size_t connections = 64;                 // at once; further ones are closed
  Duration request = std::chrono::seconds(5);   // handshake and header of a request together
  Duration answer = std::chrono::seconds(10);   // what has to be found out for the answer
  Duration write = std::chrono::seconds(10);    // an answer
  Duration idle = std::chrono::seconds(60);     // between two requests
  Duration farewell = std::chrono::seconds(1);  // what runs when the server ends
};

// What a connection asks of its server, on the server's thread.
struct HttpService {
  HttpLimits limits;
  // Answers by calling `done`, at once or later, on the same thread. `certificate_name` is that of
  // DecideAccess().
  std::function<void(const HttpRequest& request, const std::optional<std::string>& certificate_name,
                     std::function<void(const HttpResponse&)> done)>
      answer;
  HttpResponse late;  // to a request whose answer takes longer than the limit
};

// One client: handshake, then request and answer in turn until either side has enough. Keeps itself
// alive while it is open. The io_context's thread only.
class HttpConnection {
 public:
  // `service` must outlive it. `on_closed` is called once, from the loop, not from Start() or
  // Close().
  static std::shared_ptr<HttpConnection> Start(boost::asio::io_context& context,
                                               SocketStream stream, const HttpService& service,
                                               std::function<void(HttpConnection*)> on_closed);
  virtual ~HttpConnection() = default;

  // Since when it waits for a further request; nothing while it works on one.
  virtual std::optional<TimePoint> idle_since() const = 0;
  // Closes it once the request that was read, if any, is answered.
  virtual void Finish() = 0;
  virtual void Close() = 0;
};

}  // namespace nodedevice
