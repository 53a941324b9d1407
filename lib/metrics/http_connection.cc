#include "lib/metrics/http_connection.h"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <utility>
#include <variant>

namespace nodedevice {
namespace {

using Outcome = SocketStream::Outcome;
using boost::asio::posix::stream_descriptor;

// A refused request may have more behind it. Closing with unread bytes in the socket would reset
// the connection and take the answer with it, so this much is read for nobody.
constexpr std::size_t kDiscarded = 262144;
constexpr Duration kDiscardingTime = std::chrono::seconds(1);

class Connection : public HttpConnection, public std::enable_shared_from_this<Connection> {
 public:
  Connection(boost::asio::io_context& context, SocketStream stream, const HttpService& service,
             std::function<void(HttpConnection*)> on_closed)
      : context_(context),
        stream_(std::move(stream)),
        descriptor_(context, stream_.fd()),
        deadline_(context),
        service_(service),
        on_closed_(std::move(on_closed)) {}
  ~Connection() override { descriptor_.release(); }  // borrowed: asio must not close it

  void Begin() {
    Within(service_.limits.request);
    AdvanceSoon();
  }

  std::optional<TimePoint> idle_since() const override { return idle_since_; }

  void Finish() override {
    last_request_ = true;
    if (state_ != State::kAnswering && state_ != State::kWriting) Close();
  }

  void Close() override {
    if (state_ == State::kClosed) return;
    state_ = State::kClosed;
    deadline_.cancel();
    descriptor_.cancel();
    stream_.EndWriting();
    boost::asio::post(context_, [self = shared_from_this()] { self->on_closed_(self.get()); });
  }

 private:
  enum class State { kHandshake, kReading, kAnswering, kWriting, kDiscarding, kClosed };

  void AdvanceSoon() {
    boost::asio::post(context_, [self = shared_from_this()] { self->Advance(); });
  }

  // One step. Each goes through the loop, so that no client keeps the others waiting.
  void Advance() {
    switch (state_) {
      case State::kHandshake:
        return Shake();
      case State::kReading:
        return Read();
      case State::kWriting:
        return Write();
      case State::kDiscarding:
        return Discard();
      case State::kAnswering:
      case State::kClosed:
        return;
    }
  }

  // True when the step is done; otherwise it goes on later, or never.
  bool IsDone(Outcome outcome) {
    if (outcome == Outcome::kDone) return true;
    if (outcome == Outcome::kWaitToRead || outcome == Outcome::kWaitToWrite) {
      descriptor_.async_wait(outcome == Outcome::kWaitToRead ? stream_descriptor::wait_read
                                                             : stream_descriptor::wait_write,
                             [self = shared_from_this()](const boost::system::error_code& error) {
                               if (!error) self->Advance();
                             });
    } else {
      Close();
    }
    return false;
  }

  void Within(Duration limit) {
    deadline_.expires_after(limit);
    deadline_.async_wait(
        [self = shared_from_this(), set = ++deadline_set_](const boost::system::error_code& error) {
          if (!error && set == self->deadline_set_) self->OnDeadline();
        });
  }

  void OnDeadline() {
    if (state_ == State::kAnswering) return Respond(service_.late, Then::kClose);
    Close();
  }

  void Shake() {
    const Outcome outcome = stream_.Handshake();
    if (outcome == Outcome::kPlainHttp) {
      stream_.WritePlain(ToWire({.status = 400, .body = "this port speaks HTTPS\n"}, false, true));
      return StartDiscarding();
    }
    if (!IsDone(outcome)) return;
    certificate_name_ = stream_.CertificateName();
    state_ = State::kReading;
    AdvanceSoon();
  }

  void Read() {
    const auto parsed = ParseHttpRequest(received_);
    if (const HttpRequest* request = std::get_if<HttpRequest>(&parsed)) return Answer(*request);
    if (const HttpResponse* refusal = std::get_if<HttpResponse>(&parsed)) {
      with_body_ = true;
      return Respond(*refusal, Then::kDiscard);
    }
    char buffer[4096];
    const std::size_t space = std::min(sizeof(buffer), kHttpHeaderLimit - received_.size());
    const SocketStream::Result result = stream_.Read(buffer, space);
    if (!IsDone(result.outcome)) return;
    received_.append(buffer, result.bytes);
    if (idle_since_) {
      idle_since_.reset();
      Within(service_.limits.request);
    }
    AdvanceSoon();
  }

  void Answer(const HttpRequest& request) {
    state_ = State::kAnswering;
    received_.erase(0, request.size);
    with_body_ = request.method != "HEAD";
    last_request_ |= !request.keep_alive;
    Within(service_.limits.answer);
    service_.answer(request, certificate_name_,
                    [weak = weak_from_this(), number = ++requests_](const HttpResponse& response) {
                      const auto self = weak.lock();
                      if (!self || self->requests_ != number) return;
                      if (self->state_ == State::kAnswering) {
                        self->Respond(response, Then::kNextRequest);
                      }
                    });
  }

  enum class Then { kNextRequest, kClose, kDiscard };

  void Respond(const HttpResponse& response, Then then) {
    then_ = then == Then::kNextRequest && last_request_ ? Then::kClose : then;
    sending_ = ToWire(response, then_ == Then::kNextRequest, with_body_);
    sent_ = 0;
    state_ = State::kWriting;
    Within(service_.limits.write);
    AdvanceSoon();
  }

  void Write() {
    const SocketStream::Result result = stream_.Write(std::string_view(sending_).substr(sent_));
    if (!IsDone(result.outcome)) return;
    sent_ += result.bytes;
    if (sent_ < sending_.size()) return AdvanceSoon();
    std::string().swap(sending_);
    if (then_ == Then::kDiscard) return StartDiscarding();
    if (then_ == Then::kClose || last_request_) return Close();
    state_ = State::kReading;
    if (received_.empty()) {
      std::string().swap(received_);  // an idle connection holds no memory
      idle_since_ = Clock::now();
      Within(service_.limits.idle);
    } else {
      Within(service_.limits.request);
    }
    AdvanceSoon();
  }

  void StartDiscarding() {
    state_ = State::kDiscarding;
    stream_.EndWriting();
    Within(kDiscardingTime);
    AdvanceSoon();
  }

  void Discard() {
    char buffer[4096];
    const SocketStream::Result result = stream_.Discard(buffer, sizeof(buffer));
    if (!IsDone(result.outcome)) return;
    discarded_ += result.bytes;
    if (discarded_ > kDiscarded) return Close();
    AdvanceSoon();
  }

  boost::asio::io_context& context_;
  SocketStream stream_;
  stream_descriptor descriptor_;
  boost::asio::steady_timer deadline_;
  const HttpService& service_;
  const std::function<void(HttpConnection*)> on_closed_;

  State state_ = State::kHandshake;
  unsigned deadline_set_ = 0;  // a deadline that was moved just before it came is not met
  std::optional<TimePoint> idle_since_;
  std::optional<std::string> certificate_name_;
  std::string received_;
  unsigned requests_ = 0;
  bool last_request_ = false;
  bool with_body_ = true;
  std::string sending_;
  std::size_t sent_ = 0;
  Then then_ = Then::kClose;
  std::size_t discarded_ = 0;
};

}  // namespace

std::shared_ptr<HttpConnection> HttpConnection::Start(
    boost::asio::io_context& context, SocketStream stream, const HttpService& service,
    std::function<void(HttpConnection*)> on_closed) {
  auto connection =
      std::make_shared<Connection>(context, std::move(stream), service, std::move(on_closed));
  connection->Begin();
  return connection;
}

}  // namespace nodedevice
