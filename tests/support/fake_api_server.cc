#include "tests/support/fake_api_server.h"

#include <sys/socket.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <thread>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "tests/support/server_side_apply.h"
#include "tests/support/test_certificates.h"

namespace nodedevice::testing {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;
using Json = nlohmann::json;
using Request = http::request<http::string_body>;
using TlsStream = asio::ssl::stream<tcp::socket>;

constexpr char kStatus[] = "/status";
constexpr char kMergePatch[] = "application/merge-patch+json";

std::string Decode(const std::string& text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      decoded += absl::HexStringToBytes(text.substr(i + 1, 2));
      i += 2;
    } else {
      decoded += text[i];
    }
  }
  return decoded;
}

// "/a/b?x=1&y=2", taken apart.
struct Target {
  std::string path;
  std::map<std::string, std::string> query;

  explicit Target(const std::string& text) : path(text.substr(0, text.find('?'))) {
    std::size_t at = text.find('?');
    while (at != std::string::npos) {
      const std::size_t next = text.find('&', at + 1);
      const std::string pair = text.substr(at + 1, next - at - 1);
      const std::size_t equals = pair.find('=');
      query[pair.substr(0, equals)] = Decode(pair.substr(equals + 1));
      at = next;
    }
  }
};

// Takes "/status" off a path; false: it was not there.
bool TakeStatus(std::string& path) {
  if (!path.ends_with(kStatus)) return false;
  path.resize(path.size() - sizeof(kStatus) + 1);
  return true;
}

std::string CollectionOf(const std::string& path) { return path.substr(0, path.rfind('/')); }
std::string NameOf(const std::string& path) { return path.substr(path.rfind('/') + 1); }

Json StatusObject(int code, const std::string& reason, const std::string& message) {
  return {{"kind", "Status"}, {"code", code}, {"reason", reason}, {"message", message}};
}

std::string ReasonOf(int code) {
  static const std::map<int, std::string> reasons = {
      {401, "Unauthorized"},  {403, "Forbidden"}, {404, "NotFound"},
      {409, "AlreadyExists"}, {410, "Expired"},   {429, "TooManyRequests"},
      {500, "InternalError"}};
  const auto reason = reasons.find(code);
  return reason == reasons.end() ? "" : reason->second;
}

struct Answer {
  int code = 200;
  Json body;
};

Answer Refusal(int code, const std::string& message) {
  return {code, StatusObject(code, ReasonOf(code), message)};
}

// What happened to an object.
struct Change {
  std::int64_t version = 0;
  std::string path;
  std::string type;
  Json object;
};

std::shared_ptr<asio::ssl::context> ContextOf(const TestCertificate& own) {
  auto context = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_server);
  context->use_certificate_chain(asio::buffer(own.certificate));
  context->use_private_key(asio::buffer(own.key), asio::ssl::context::pem);
  return context;
}

}  // namespace

struct FakeApiServer::Impl {
  Impl()
      : acceptor(io, tcp::endpoint(asio::ip::address_v4::loopback(), 0)),
        context(ContextOf(authority.Server())) {
    accepting = std::thread([this] { Accept(); });
  }
  ~Impl() {
    {
      const std::lock_guard<std::mutex> lock(mutex);
      stopping = true;
      for (const int fd : open) ::shutdown(fd, SHUT_RDWR);
    }
    changed.notify_all();
    ::shutdown(acceptor.native_handle(), SHUT_RDWR);
    accepting.join();
    for (std::thread& connection : connections) connection.join();
  }

  void Accept() {
    for (;;) {
      boost::system::error_code error;
      tcp::socket socket(io);
      acceptor.accept(socket, error);
      const std::lock_guard<std::mutex> lock(mutex);
      if (stopping) return;
      if (error) continue;
      open.insert(socket.native_handle());
      connections.emplace_back([this, shown = context, peer = std::move(socket)]() mutable {
        const int fd = peer.native_handle();
        TlsStream stream(std::move(peer), *shown);
        try {
          Serve(stream);
        } catch (const boost::system::system_error&) {
          // The client is gone.
        }
        const std::lock_guard<std::mutex> guard(mutex);
        open.erase(fd);  // before the stream closes it
      });
    }
  }

  void Serve(TlsStream& stream) {
    boost::system::error_code error;
    if (stream.handshake(asio::ssl::stream_base::server, error)) {
      const std::lock_guard<std::mutex> lock(mutex);
      ++failures;
      return;
    }
    boost::beast::flat_buffer buffer;
    for (;;) {
      Request request;
      http::read(stream, buffer, request);
      const Target target(std::string(request.target()));
      const bool watch = target.query.contains("watch");
      std::unique_lock<std::mutex> lock(mutex);
      const std::string what =
          absl::StrCat(watch ? "WATCH" : std::string(request.method_string()), " ", target.path);
      requests.push_back(what);
      const Call call = {what, std::string(request["User-Agent"])};
      changed.wait(lock, [this] { return stopping || !hanging; });
      if (stopping) return;
      if (const auto bytes = fault ? fault(call) : std::nullopt) {
        ++failures;
        lock.unlock();
        asio::write(stream, asio::buffer(*bytes));
        return;
      }
      const Answer answer = Authorize(request, what);
      if (answer.code != 200) ++failures;
      if (answer.code == 200 && watch) return Follow(stream, target, lock);
      const Answer done = answer.code == 200 ? Do(request, target) : answer;
      if (answer.code == 200 && on_done) on_done(call);
      lock.unlock();
      http::response<http::string_body> response(static_cast<http::status>(done.code), 11);
      response.set("Content-Type", "application/json");
      if (done.code == 429) response.set("Retry-After", "1");
      response.body() = done.body.dump();
      response.prepare_payload();
      http::write(stream, response);
    }
  }

  Answer Authorize(const Request& request, const std::string& what) const {
    if (request["Authorization"] != absl::StrCat("Bearer ", token)) {
      return Refusal(401, "who are you");
    }
    for (const auto& [prefix, code] : refused) {
      if (what.starts_with(prefix)) return Refusal(code, "as the test wants");
    }
    return {};
  }

  Answer Do(const Request& request, const Target& target) {
    if (request.method() == http::verb::get) return Get(target);
    if (request.method() == http::verb::delete_) return Delete(target.path);
    Json object = Json::parse(request.body());
    if (request.method() == http::verb::patch) {
      return request["Content-Type"] == kMergePatch ? Merge(target.path, object)
                                                    : Apply(target, std::move(object));
    }
    if (request.method() == http::verb::put) return Replace(target.path, std::move(object));
    if (request.method() != http::verb::post) return Refusal(405, "not here");
    if (const auto answer = posts.find(target.path); answer != posts.end()) {
      return {201, answer->second(object)};
    }
    const std::string path =
        absl::StrCat(target.path, "/", object["metadata"]["name"].get<std::string>());
    if (objects.contains(path)) return Refusal(409, path);
    return {201, Store(path, std::move(object))};
  }

  Answer Get(const Target& target) const {
    if (const auto found = objects.find(target.path); found != objects.end()) {
      return {200, found->second};
    }
    // The names of collections are plural; of the others none ends so in a test.
    if (!target.path.ends_with('s')) return Refusal(404, target.path);
    Json items = Json::array();
    for (const auto& [path, object] : objects) {
      if (CollectionOf(path) == target.path && Selects(target, path)) items.push_back(object);
    }
    return {200,
            {{"kind", "List"},
             {"metadata", {{"resourceVersion", std::to_string(version)}}},
             {"items", std::move(items)}}};
  }

  static bool Selects(const Target& target, const std::string& path) {
    const auto selector = target.query.find("fieldSelector");
    return selector == target.query.end() || selector->second == "metadata.name=" + NameOf(path);
  }

  Answer Apply(const Target& target, Json object) {
    std::string path = target.path;
    const bool status = TakeStatus(path);
    const auto found = objects.find(path);
    const bool fresh = found == objects.end();
    if (fresh && status) return Refusal(404, path);
    const std::string uid = object["metadata"].value("uid", "");
    if (!uid.empty() && (fresh || found->second["metadata"]["uid"] != uid)) {
      return Refusal(409, path + " of another uid");
    }
    // The object and its status are applied apart from each other, and the latter by one.
    Json next = fresh ? Json::object() : found->second;
    AppliedFields fields = applied[path];
    if (status) {
      next["status"] = object.value("status", Json::object());
    } else {
      next = fields.Apply(std::move(next), target.query.at("fieldManager"), std::move(object));
    }
    if (target.query.contains("dryRun")) return {200, std::move(next)};
    applied[path] = std::move(fields);
    return {fresh ? 201 : 200, Store(path, std::move(next))};
  }

  // Of the object, or of its status alone: what belongs to the other is not looked at.
  Answer Merge(std::string path, Json patch) {
    const bool status = TakeStatus(path);
    const auto found = objects.find(path);
    if (found == objects.end()) return Refusal(404, path);
    if (status) {
      patch = {{"status", patch.value("status", Json::object())}};
    } else {
      patch.erase("status");
    }
    Json next = found->second;
    next.merge_patch(patch);
    return {200, Store(path, std::move(next))};
  }

  // An object with finalizers is only marked, and goes with the last of them.
  Answer Delete(const std::string& path) {
    const auto found = objects.find(path);
    if (found == objects.end()) return Refusal(404, path);
    Json object = found->second;
    if (!HasFinalizers(object)) {
      Erase(path);
      return {200, std::move(object)};
    }
    object["metadata"].emplace("deletionTimestamp", "2026-01-02T03:04:05Z");
    return {200, Store(path, std::move(object))};
  }

  static bool HasFinalizers(const Json& object) {
    return !object["metadata"].value("finalizers", Json::array()).empty();
  }

  void Erase(const std::string& path) {
    const auto found = objects.find(path);
    Json object = std::move(found->second);
    objects.erase(found);
    applied.erase(path);
    std::erase(order, path);
    object["metadata"]["resourceVersion"] = std::to_string(++version);
    Tell({version, path, "DELETED", std::move(object)});
  }

  Answer Replace(const std::string& path, Json object) {
    const auto found = objects.find(path);
    if (found == objects.end()) return Refusal(404, path);
    if (object["metadata"]["resourceVersion"] != found->second["metadata"]["resourceVersion"]) {
      return {409, StatusObject(409, "Conflict", path)};
    }
    return {200, Store(path, std::move(object))};
  }

  // Keeps the object and tells of it, unless nothing changed.
  Json Store(const std::string& path, Json object) {
    const auto before = objects.find(path);
    const bool fresh = before == objects.end();
    const Json known = fresh ? Json::object() : before->second["metadata"];
    const bool edited =
        fresh || before->second.value("spec", Json()) != object.value("spec", Json());
    Json& metadata = object["metadata"];
    metadata["name"] = NameOf(path);
    metadata["uid"] = known.value("uid", absl::StrCat("uid-", version + 1));
    metadata["generation"] = known.value("generation", 0) + (edited ? 1 : 0);
    metadata["resourceVersion"] = known.value("resourceVersion", "");
    if (!fresh && before->second == object) return object;
    metadata["resourceVersion"] = std::to_string(++version);
    if (fresh) order.push_back(path);
    objects[path] = object;
    Tell({version, path, fresh ? "ADDED" : "MODIFIED", object});
    if (object["metadata"].contains("deletionTimestamp") && !HasFinalizers(object)) Erase(path);
    return object;
  }

  void Tell(Change change) {
    changes.push_back(std::move(change));
    changed.notify_all();
  }

  // Streams what happens to a collection until the client or the server ends.
  void Follow(TlsStream& stream, const Target& target, std::unique_lock<std::mutex>& lock) {
    const int stream_generation = ended_streams;
    std::int64_t from = 0;
    if (!absl::SimpleAtoi(target.query.at("resourceVersion"), &from)) from = 0;
    lock.unlock();
    http::response<http::empty_body> head(http::status::ok, 11);
    head.set("Content-Type", "application/json");
    head.chunked(true);
    http::response_serializer<http::empty_body> serializer(head);
    http::write_header(stream, serializer);
    const auto send = [&stream](const std::string& type, const Json& object) {
      const std::string line = Json{{"type", type}, {"object", object}}.dump() + "\n";
      asio::write(stream, http::make_chunk(asio::buffer(line)));
    };
    lock.lock();
    std::size_t told = 0;
    bool expired = from < oldest;
    while (!stopping && !expired && ended_streams == stream_generation) {
      if (told == changes.size() || hanging) {
        changed.wait(lock);
        continue;
      }
      const Change change = changes[told++];
      if (change.version <= from || CollectionOf(change.path) != target.path) continue;
      if (!Selects(target, change.path)) continue;
      lock.unlock();
      send(change.type, change.object);
      lock.lock();
    }
    if (stopping) return;
    lock.unlock();
    if (expired) send("ERROR", StatusObject(410, "Expired", "too old resource version"));
    asio::write(stream, http::make_chunk_last());
  }

  void EndStreams() {
    ++ended_streams;
    changed.notify_all();
  }

  const TestAuthority authority;
  asio::io_context io;
  tcp::acceptor acceptor;

  mutable std::mutex mutex;  // guards all below but the threads
  std::condition_variable changed;
  std::shared_ptr<asio::ssl::context> context;  // of new connections
  std::string token = "token-of-the-test";
  bool stopping = false;
  bool hanging = false;
  int ended_streams = 0;
  std::int64_t version = 100;
  std::int64_t oldest = 0;  // no watch can begin before it
  std::map<std::string, Json> objects;
  std::map<std::string, AppliedFields> applied;  // by path
  std::vector<std::string> order;                // of creation
  std::vector<Change> changes;
  std::map<std::string, std::function<Json(const Json&)>> posts;
  std::map<std::string, int> refused;
  Fault fault;
  std::function<void(const Call&)> on_done;
  int failures = 0;
  std::vector<std::string> requests;
  std::set<int> open;

  std::vector<std::thread> connections;  // of the accepting thread
  std::thread accepting;
};

FakeApiServer::FakeApiServer() : impl_(std::make_unique<Impl>()) {}
FakeApiServer::~FakeApiServer() = default;

std::string FakeApiServer::Kubeconfig(const std::string& token_file) const {
  const std::lock_guard<std::mutex> lock(impl_->mutex);
  const std::string user = token_file.empty() ? absl::StrCat("token: ", impl_->token)
                                              : absl::StrCat("tokenFile: ", token_file);
  return absl::StrCat(
      "apiVersion: v1\nkind: Config\ncurrent-context: test\n"
      "contexts: [{name: test, context: {cluster: test, user: test}}]\n"
      "clusters: [{name: test, cluster: {server: 'https://127.0.0.1:",
      impl_->acceptor.local_endpoint().port(),
      "', certificate-authority-data: ", absl::Base64Escape(impl_->authority.pem()),
      "}}]\nusers: [{name: test, user: {", user, "}}]\n");
}

void FakeApiServer::Put(const std::string& path, Json object) {
  const std::lock_guard<std::mutex> lock(impl_->mutex);
  impl_->Store(path, std::move(object));
}

void FakeApiServer::Remove(const std::string& path) {
  const std::lock_guard<std::mutex> lock(impl_->mutex);
  if (impl_->objects.contains(path)) impl_->Erase(path);
}

void FakeApiServer::Merge(const std::string& path, const Json& patch) {
  const std::lock_guard<std::mutex> lock(impl_->mutex);
  impl_->Merge(path, patch);
}

void FakeApiServer::Delete(const std::string& path) {
  const std::lock_guard<std::mutex> lock(impl_->mutex);
  impl_->Delete(path);
}

std::optional<FakeApiServer::Json> FakeApiServer::Find(const std::string& path) const {
  const std::lock_guard<std::mutex> lock(impl_->mutex);
  const auto found = impl_->objects.find(path);
  if (found == impl_->objects.end()) return std::nullopt;
  return found->second;
}

std::vector<FakeApiServer::Json> FakeApiServer::In(const std::string& collection) const {
  const std::lock_guard<std::mutex> lock(impl_->mutex);
  std::vector<Json> found;
  for (const std::string& path : impl_->order) {
    if (CollectionOf(path) == collection) found.push_back(impl_->objects.at(path));
  }
  return found;
}

void FakeApiServer::AnswerPost(const std::string& path,
                               std::function<Json(const Json& object)> answer) {
  const std::lock_guard<std::mutex> lock(impl_->mutex);
  impl_->posts[path] = std::move(answer);
}

void FakeApiServer::Refuse(const std::string& request, int code) {
  const std::lock_guard<std::mutex> lock(impl_->mutex);
  if (code == 0) {
    impl_->refused.erase(request);
  } else {
    impl_->refused[request] = code;
  }
}

void FakeApiServer::Hang(bool hang) {
  const std::lock_guard<std::mutex> lock(impl_->mutex);
  impl_->hanging = hang;
  impl_->changed.notify_all();
}

void FakeApiServer::EndStreams() {
  const std::lock_guard<std::mutex> lock(impl_->mutex);
  impl_->EndStreams();
}

void FakeApiServer::Expire() {
  const std::lock_guard<std::mutex> lock(impl_->mutex);
  impl_->oldest = ++impl_->version;
}

void FakeApiServer::OnDone(std::function<void(const Call& call)> tell) {
  const std::lock_guard<std::mutex> lock(impl_->mutex);
  impl_->on_done = std::move(tell);
}

void FakeApiServer::Fail(Fault fault) {
  const std::lock_guard<std::mutex> lock(impl_->mutex);
  impl_->fault = std::move(fault);
}

void FakeApiServer::Admit(const std::string& token) {
  const std::lock_guard<std::mutex> lock(impl_->mutex);
  impl_->token = token;
}

void FakeApiServer::ShowExpiredCertificate(bool expired) {
  const std::lock_guard<std::mutex> lock(impl_->mutex);
  const TestAuthority& authority = impl_->authority;
  impl_->context = ContextOf(expired ? authority.ExpiredServer() : authority.Server());
  for (const int fd : impl_->open) ::shutdown(fd, SHUT_RDWR);
  impl_->EndStreams();
}

int FakeApiServer::Failures() const {
  const std::lock_guard<std::mutex> lock(impl_->mutex);
  return impl_->failures;
}

int FakeApiServer::Count(const std::string& request) const {
  const std::lock_guard<std::mutex> lock(impl_->mutex);
  int count = 0;
  for (const std::string& one : impl_->requests) count += one.starts_with(request) ? 1 : 0;
  return count;
}

}  // namespace nodedevice::testing
