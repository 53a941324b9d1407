#include "lib/kube/api_client.h"

#include <cctype>
#include <mutex>
#include <utility>

#include "cpprest/http_client.h"
#include "lib/kube/api_error.h"
#include "lib/kube/body_reader.h"
#include "lib/kube/client_tls.h"
#include "lib/kube/object_fields.h"
#include "lib/kube/open_stream.h"
#include "lib/kube/watched_file.h"
#include "pplx/threadpool.h"

namespace nodedevice {
namespace {

using Json = nlohmann::json;
using web::http::client::http_client;
using web::http::client::http_client_config;

constexpr char kApplyPatch[] = "application/apply-patch+yaml";
constexpr char kMergePatch[] = "application/merge-patch+json";
constexpr char kJson[] = "application/json";
constexpr int kThreads = 2;
// Small enough that a page of large objects, such as Nodes, is no burden while it is read.
constexpr int kPageSize = 100;
constexpr int kMaxPages = 1000;

// cpprestsdk starts forty threads unless it is told otherwise before its first use.
void LimitThreads() {
  static std::once_flag once;
  std::call_once(once, [] { crossplat::threadpool::initialize_with_threads(kThreads); });
}

// cpprestsdk takes the brackets of an IPv6 address for a part of it: it resolves what stands before
// the last colon, and compares that with the certificate.
std::string WithoutBrackets(const std::string& server) {
  const std::size_t open = server.find('[');
  const std::size_t close = server.find(']');
  if (open == std::string::npos || close == std::string::npos || close < open) return server;
  const std::string rest = server.substr(close + 1);
  return absl::StrCat(server.substr(0, open), server.substr(open + 1, close - open - 1),
                      rest.starts_with(':') ? "" : ":443", rest);
}

// What others wrote may hold bytes that are not UTF-8, which JSON cannot.
std::string Dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// The error behind an exception of cpprestsdk: there was no answer, or not all of it.
absl::Status NoAnswer(const std::string& what, HandshakeProblem& handshake,
                      std::exception_ptr exception) {
  try {
    std::rethrow_exception(std::move(exception));
  } catch (const web::http::http_exception& error) {
    if (error.error_code() == std::errc::timed_out) {
      return absl::DeadlineExceededError(absl::StrCat(what, ": no answer in time"));
    }
    std::string why = error.what();
    if (why.find("handshake") != std::string::npos) {
      const std::string reason = handshake.Take();
      if (!reason.empty()) absl::StrAppend(&why, ": ", reason);
    }
    return absl::UnavailableError(absl::StrCat(what, ": ", why));
  } catch (const web::uri_exception& error) {
    return absl::InvalidArgumentError(absl::StrCat(what, ": ", error.what()));
  } catch (const std::exception& error) {
    return absl::UnavailableError(absl::StrCat(what, ": ", error.what()));
  }
}

// The request did not go out to its end, so nobody acted on it.
bool WasNotSent(std::exception_ptr exception) {
  try {
    std::rethrow_exception(std::move(exception));
  } catch (const web::http::http_exception& error) {
    return error.error_code() != std::errc::timed_out &&
           std::string_view(error.what()).starts_with("Failed to write request");
  } catch (...) {
    return false;
  }
}

struct Request {
  web::http::method method;
  std::string path;
  std::string content_type;
  std::string body;
};

std::string Name(const Request& request) {
  return absl::StrCat(request.method, " ", request.path.substr(0, request.path.find('?')));
}

std::string Encode(const std::string& text) { return web::uri::encode_data_string(text); }

// The path with what the query gets more.
class Url {
 public:
  explicit Url(std::string path)
      : text_(std::move(path)), separator_(text_.find('?') == std::string::npos ? '?' : '&') {}
  Url& Add(const char* key, const std::string& value) {
    absl::StrAppend(&text_, std::string(1, separator_), key, "=", Encode(value));
    separator_ = '&';
    return *this;
  }
  // "fieldSelector=metadata.name=x", as it is written.
  Url& AddSelector(const std::string& selector) {
    const std::size_t equals = selector.find('=');
    if (equals == std::string::npos) return *this;
    return Add(selector.substr(0, equals).c_str(), selector.substr(equals + 1));
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
  char separator_;
};

// One request, which ends early with `parent` or by itself: what it does not end goes on to be read
// into memory. (A linked source of pplx would stay registered with its parent for ever.)
class Cancellation {
 public:
  explicit Cancellation(pplx::cancellation_token parent)
      : parent_(std::move(parent)),
        registration_(parent_.register_callback([own = own_] { own.cancel(); })) {}
  ~Cancellation() { parent_.deregister_callback(registration_); }
  Cancellation(const Cancellation&) = delete;
  Cancellation& operator=(const Cancellation&) = delete;

  void Cancel() { own_.cancel(); }
  pplx::cancellation_token token() const { return own_.get_token(); }

 private:
  pplx::cancellation_token_source own_;
  pplx::cancellation_token parent_;
  pplx::cancellation_token_registration registration_;
};

}  // namespace

struct ApiClient::Impl {
  Impl(const ClusterAccess& access, Settings wanted)
      : server(access.server),
        settings(std::move(wanted)),
        ca(access.ca_file, access.ca),
        certificate(access.client_certificate_file, access.client_certificate),
        key(access.client_key_file, access.client_key),
        token(access.token_file, access.token) {}

  // A client with today's certificates, and today's token.
  struct Connection {
    std::shared_ptr<http_client> client;
    std::string token;
  };
  absl::StatusOr<Connection> Connect(bool for_watch) {
    const std::lock_guard<std::mutex> lock(mutex);
    const TimePoint now = Clock::now();
    TlsMaterial today;
    ASSIGN_OR_RETURN(today.ca, ca.Get(now));
    ASSIGN_OR_RETURN(today.certificate, certificate.Get(now));
    ASSIGN_OR_RETURN(today.key, key.Get(now));
    Connection connection;
    ASSIGN_OR_RETURN(connection.token, token.Get(now));
    while (!connection.token.empty() &&
           std::isspace(static_cast<unsigned char>(connection.token.back()))) {
      connection.token.pop_back();
    }
    if (today != material) requests = watches = nullptr;
    material = today;
    std::shared_ptr<http_client>& client = for_watch ? watches : requests;
    if (client == nullptr) {
      ASSIGN_OR_RETURN(client, MakeClient(today, for_watch));
    }
    connection.client = client;
    return connection;
  }

  absl::StatusOr<std::shared_ptr<http_client>> MakeClient(const TlsMaterial& today,
                                                          bool for_watch) const {
    http_client_config config;
    // Of a pause on the connection; the watch session knows when a stream is overdue.
    config.set_timeout(for_watch ? std::chrono::seconds(3600) : settings.timeout);
    config.set_ssl_context_callback(
        [today, problem = handshake](boost::asio::ssl::context& context) {
          ConfigureTls(context, today, problem);
        });
    config.set_nativehandle_options(&NoticeDeadPeers);
    try {
      return std::make_shared<http_client>(WithoutBrackets(server), config);
    } catch (const std::exception& error) {
      return absl::InvalidArgumentError(
          absl::StrCat("the server \"", server, "\" is no address: ", error.what()));
    }
  }

  web::http::http_request ToHttp(const Request& request, const std::string& bearer) const {
    web::http::http_request http(request.method);
    http.set_request_uri(web::uri(request.path));
    http.headers().add("User-Agent", settings.user_agent);
    http.headers().add("Accept", kJson);
    if (!bearer.empty()) http.headers().add("Authorization", "Bearer " + bearer);
    if (!request.content_type.empty()) {
      http.set_body(std::vector<unsigned char>(request.body.begin(), request.body.end()));
      http.headers().set_content_type(request.content_type);
    }
    return http;
  }

  // A token that was refused may have been rotated early.
  void Refused() {
    const std::lock_guard<std::mutex> lock(mutex);
    token.Forget();
    certificate.Forget();
    key.Forget();
  }

  absl::StatusOr<Json> Do(const Request& request) {
    absl::StatusOr<Json> answer = TrySending(request);
    if (!absl::IsUnauthenticated(answer.status())) return answer;
    Refused();
    return TrySending(request);
  }

  // A server that ends, or is tired of them, closes the connections that wait in cpprestsdk's pool,
  // which shows when the next request is written to one; and the dead one goes back into the pool.
  absl::StatusOr<Json> TrySending(const Request& request) {
    bool was_sent = true;
    absl::StatusOr<Json> answer = Try(request, was_sent);
    if (was_sent) return answer;
    LeavePool();
    return Try(request, was_sent);
  }

  // The next request has a pool of its own, in which nothing waits.
  void LeavePool() {
    const std::lock_guard<std::mutex> lock(mutex);
    requests = nullptr;
  }

  void Tell(const std::string& verb, int http_status, TimePoint began) const {
    if (settings.on_answer) settings.on_answer(verb, http_status, Clock::now() - began);
  }

  absl::StatusOr<Json> Try(const Request& request, bool& was_sent) {
    const TimePoint began = Clock::now();
    const std::string what = Name(request);
    if (shutdown.get_token().is_canceled()) return absl::CancelledError("the program ends");
    ASSIGN_OR_RETURN(const Connection connection, Connect(/*for_watch=*/false));
    Cancellation cancellation(shutdown.get_token());
    try {
      const web::http::http_response response =
          connection.client->request(ToHttp(request, connection.token), cancellation.token()).get();
      std::string body;
      const auto reader = std::make_shared<BodyReader>(response, [&](const std::string& piece) {
        body += piece;
        return body.size() <= settings.max_answer;
      });
      reader->Read().get();
      if (body.size() > settings.max_answer) {
        cancellation.Cancel();
        return absl::ResourceExhaustedError(
            absl::StrCat(what, ": the answer is larger than ", settings.max_answer, " bytes"));
      }
      Tell(request.method, response.status_code(), began);
      if (response.status_code() / 100 != 2) {
        std::string after;
        response.headers().match("Retry-After", after);
        return ErrorOfAnswer(what, response.status_code(), body, after);
      }
      Json json = Json::parse(body, nullptr, /*allow_exceptions=*/false);
      if (json.is_discarded()) {
        return absl::DataLossError(absl::StrCat(what, ": the answer is not JSON"));
      }
      return json;
    } catch (...) {
      if (shutdown.get_token().is_canceled()) return absl::CancelledError("the program ends");
      Tell(request.method, 0, began);
      was_sent = !WasNotSent(std::current_exception());
      return NoAnswer(what, *handshake, std::current_exception());
    }
  }

  pplx::cancellation_token_source shutdown;
  const std::string server;
  const Settings settings;
  const std::shared_ptr<HandshakeProblem> handshake = std::make_shared<HandshakeProblem>();
  std::mutex mutex;  // guards all below
  WatchedFile ca;
  WatchedFile certificate;
  WatchedFile key;
  WatchedFile token;
  TlsMaterial material;
  std::shared_ptr<http_client> requests;
  std::shared_ptr<http_client> watches;
  std::vector<std::weak_ptr<OpenStream>> streams;

  void Remember(const std::shared_ptr<OpenStream>& stream) {
    const std::lock_guard<std::mutex> lock(mutex);
    std::erase_if(streams, [](const auto& known) { return known.expired(); });
    streams.push_back(stream);
  }
  void CloseStreams() {
    std::vector<std::weak_ptr<OpenStream>> known;
    {
      const std::lock_guard<std::mutex> lock(mutex);
      known.swap(streams);
    }
    for (const std::weak_ptr<OpenStream>& stream : known) {
      if (const std::shared_ptr<OpenStream> open = stream.lock()) open->Close();
    }
  }
};

namespace {

class StreamHandle : public ApiClient::Stream {
 public:
  explicit StreamHandle(std::shared_ptr<OpenStream> open) : open_(std::move(open)) {}
  ~StreamHandle() override { open_->Close(); }

 private:
  std::shared_ptr<OpenStream> open_;
};

// Feeds the stream with the body of the answer, or ends it with the error that it is.
pplx::task<absl::Status> Follow(const std::string& what, const web::http::http_response& response,
                                const std::shared_ptr<OpenStream>& open) {
  constexpr std::size_t kMaxError = 64u << 10;
  const int code = response.status_code();
  if (code == 200) {
    open->Opened();
    return std::make_shared<BodyReader>(
               response, [open](std::string piece) { return open->Bytes(std::move(piece)); })
        ->Read()
        .then([] { return absl::OkStatus(); });
  }
  auto body = std::make_shared<std::string>();
  std::string after;
  response.headers().match("Retry-After", after);
  return std::make_shared<BodyReader>(response,
                                      [body](const std::string& piece) {
                                        *body += piece;
                                        return body->size() < kMaxError;
                                      })
      ->Read()
      .then([=] { return ErrorOfAnswer(what, code, *body, after); });
}

}  // namespace

absl::StatusOr<std::unique_ptr<ApiClient>> ApiClient::Create(const ClusterAccess& access,
                                                             Settings settings) {
  LimitThreads();
  auto impl = std::make_shared<Impl>(access, std::move(settings));
  const absl::StatusOr<Impl::Connection> first = impl->Connect(/*for_watch=*/false);
  if (!first.ok()) return first.status();
  return std::unique_ptr<ApiClient>(new ApiClient(std::move(impl)));
}

ApiClient::ApiClient(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
ApiClient::~ApiClient() { impl_->CloseStreams(); }

void ApiClient::Shutdown() { impl_->shutdown.cancel(); }

absl::StatusOr<Json> ApiClient::Get(const std::string& path) {
  return impl_->Do({web::http::methods::GET, path, "", ""});
}

absl::StatusOr<Json> ApiClient::Post(const std::string& path, const Json& object) {
  return impl_->Do({web::http::methods::POST, path, kJson, Dump(object)});
}

absl::StatusOr<Json> ApiClient::Replace(const std::string& path, const Json& object) {
  return impl_->Do({web::http::methods::PUT, path, kJson, Dump(object)});
}

absl::StatusOr<Json> ApiClient::Delete(const std::string& path, const Json& options) {
  return impl_->Do({web::http::methods::DEL, path, kJson, Dump(options)});
}

absl::StatusOr<Json> ApiClient::MergePatch(const std::string& path, const Json& patch) {
  return impl_->Do({web::http::methods::PATCH, path, kMergePatch, Dump(patch)});
}

absl::StatusOr<Json> ApiClient::Apply(const std::string& path, const Json& object,
                                      const std::string& manager, bool force) {
  Url url(path);
  url.Add("fieldManager", manager).Add("fieldValidation", "Strict");
  if (force) url.Add("force", "true");
  return impl_->Do({web::http::methods::PATCH, url.text(), kApplyPatch, Dump(object)});
}

absl::StatusOr<Json> ApiClient::List(const std::string& path, const std::string& selector,
                                     const std::string& resource_version, const Trim& trim) {
  Json whole;
  std::string next;
  int pages = 0;
  do {
    if (++pages > kMaxPages) {
      return absl::ResourceExhaustedError(
          absl::StrCat("GET ", path, ": the list has more than ", kMaxPages, " pages"));
    }
    Url url(path);
    url.AddSelector(selector).Add("limit", std::to_string(kPageSize));
    if (next.empty()) {
      if (!resource_version.empty()) url.Add("resourceVersion", resource_version);
    } else {
      url.Add("continue", next);
    }
    ASSIGN_OR_RETURN(Json page, Get(url.text()));
    next = TextAt(page, "/metadata/continue");
    if (trim && page.contains("items") && page["items"].is_array()) {
      for (Json& item : page["items"]) trim(item);
    }
    if (whole.is_null()) {
      whole = std::move(page);
    } else if (page.contains("items") && page["items"].is_array() && whole["items"].is_array()) {
      for (Json& item : page["items"]) whole["items"].push_back(std::move(item));
    }
  } while (!next.empty());
  return whole;
}

std::unique_ptr<ApiClient::Stream> ApiClient::Watch(const std::string& path,
                                                    const std::string& selector,
                                                    const std::string& resource_version,
                                                    std::chrono::seconds timeout,
                                                    StreamCallbacks callbacks) {
  Url url(path);
  url.AddSelector(selector)
      .Add("watch", "1")
      .Add("resourceVersion", resource_version)
      .Add("allowWatchBookmarks", "true")
      .Add("timeoutSeconds", std::to_string(timeout.count()));
  const Request request = {web::http::methods::GET, url.text(), "", ""};
  const std::string what = absl::StrCat("watch of ", path);
  auto open = std::make_shared<OpenStream>(std::move(callbacks));
  auto handle = std::make_unique<StreamHandle>(open);
  const TimePoint began = Clock::now();

  const absl::StatusOr<Impl::Connection> connection = impl_->Connect(/*for_watch=*/true);
  if (!connection.ok()) {
    open->End(connection.status());
    return handle;
  }
  impl_->Remember(open);
  web::http::http_request http;
  try {
    http = impl_->ToHttp(request, connection->token);
  } catch (...) {
    open->End(NoAnswer(what, *impl_->handshake, std::current_exception()));
    return handle;
  }
  connection->client->request(http, open->token())
      .then([what, open, impl = impl_, began](const web::http::http_response& response) {
        impl->Tell("WATCH", response.status_code(), began);
        return Follow(what, response, open);
      })
      // `impl` keeps the client until the last of its tasks has ended.
      .then([what, open, impl = impl_](const pplx::task<absl::Status>& outcome) {
        absl::Status status;
        try {
          status = outcome.get();
        } catch (...) {
          status = NoAnswer(what, *impl->handshake, std::current_exception());
        }
        if (absl::IsUnauthenticated(status)) impl->Refused();
        open->End(status);
      });
  return handle;
}

}  // namespace nodedevice
