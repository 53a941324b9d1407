#include "tests/support/scripted_api_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <sys/socket.h>

#include <cstdlib>
#include <optional>
#include <sstream>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "lib/base/event_loop.h"

namespace nodedevice::testing {
namespace {

std::shared_ptr<BIO> Reading(const std::string& pem) {
  return {::BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &::BIO_free};
}

std::shared_ptr<X509> ReadCertificate(const std::string& pem) {
  return {::PEM_read_bio_X509(Reading(pem).get(), nullptr, nullptr, nullptr), &::X509_free};
}

std::shared_ptr<SSL_CTX> NewContext(const TestCertificate& pair, const std::string& client_ca) {
  std::shared_ptr<SSL_CTX> context(::SSL_CTX_new(::TLS_server_method()), &::SSL_CTX_free);
  const auto certificate = ReadCertificate(pair.certificate);
  const std::shared_ptr<EVP_PKEY> key(
      ::PEM_read_bio_PrivateKey(Reading(pair.key).get(), nullptr, nullptr, nullptr),
      &::EVP_PKEY_free);
  ::SSL_CTX_use_certificate(context.get(), certificate.get());
  ::SSL_CTX_use_PrivateKey(context.get(), key.get());
  if (!client_ca.empty()) {
    const auto ca = ReadCertificate(client_ca);
    ::X509_STORE_add_cert(::SSL_CTX_get_cert_store(context.get()), ca.get());
    ::SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  }
  return context;
}

UniqueFd Listen(bool ipv6, std::uint16_t& port) {
  UniqueFd fd(::socket(ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in6 address6 = {};
  address6.sin6_family = AF_INET6;
  address6.sin6_addr = in6addr_loopback;
  sockaddr_in address4 = {};
  address4.sin_family = AF_INET;
  address4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* address =
      ipv6 ? reinterpret_cast<sockaddr*>(&address6) : reinterpret_cast<sockaddr*>(&address4);
  socklen_t size = ipv6 ? sizeof(address6) : sizeof(address4);
  if (!fd || ::bind(fd.get(), address, size) != 0 || ::listen(fd.get(), 16) != 0 ||
      ::getsockname(fd.get(), address, &size) != 0) {
    return UniqueFd();
  }
  port = ntohs(ipv6 ? address6.sin6_port : address4.sin_port);
  return fd;
}

std::string NameOf(SSL* ssl) {
  const std::shared_ptr<X509> certificate(::SSL_get1_peer_certificate(ssl), &::X509_free);
  char name[256] = "";
  if (certificate) {
    ::X509_NAME_get_text_by_NID(::X509_get_subject_name(certificate.get()), NID_commonName, name,
                                sizeof(name));
  }
  return name;
}

}  // namespace

std::string ApiRequest::Header(const std::string& name) const {
  const std::size_t at = head.find(absl::StrCat("\n", name, ":"));
  if (at == std::string::npos) return "";
  const std::size_t value = at + name.size() + 2;
  return std::string(
      absl::StripAsciiWhitespace(head.substr(value, head.find('\n', value) - value)));
}

class ScriptedApiServer::Peer : public Connection {
 public:
  Peer(ScriptedApiServer& server, SSL* ssl, int fd) : server_(server), ssl_(ssl), fd_(fd) {}

  bool Send(std::string_view bytes) override {
    return ::SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size())) > 0;
  }
  void Cut() override { ::shutdown(fd_, SHUT_RDWR); }
  void WaitForClient() override {
    while (Read()) {
    }
  }
  void WaitForRelease() override {
    std::unique_lock<std::mutex> lock(server_.mutex_);
    server_.released_.wait(lock, [this] { return server_.stopping_ || server_.releases_ > 0; });
    if (!server_.stopping_) --server_.releases_;
  }

  // The next request; nullopt when the client is gone.
  std::optional<ApiRequest> Receive() {
    std::size_t end;
    while ((end = received_.find("\r\n\r\n")) == std::string::npos) {
      if (!Read()) return std::nullopt;
    }
    ApiRequest request;
    std::istringstream lines(received_.substr(0, end + 2));
    lines >> request.method >> request.target;
    std::string line;
    while (std::getline(lines, line)) {
      const std::size_t colon = line.find(':');
      for (std::size_t i = 0; i < line.size() && i < colon; ++i) {
        line[i] = absl::ascii_tolower(static_cast<unsigned char>(line[i]));
      }
      absl::StrAppend(&request.head, line, "\n");
    }
    received_.erase(0, end + 4);
    const std::size_t length = std::strtoul(request.Header("content-length").c_str(), nullptr, 10);
    while (received_.size() < length) {
      if (!Read()) return std::nullopt;
    }
    request.body = received_.substr(0, length);
    received_.erase(0, length);
    request.client_name = NameOf(ssl_);
    return request;
  }

 private:
  bool Read() {
    char buffer[4096];
    const int n = ::SSL_read(ssl_, buffer, sizeof(buffer));
    if (n > 0) received_.append(buffer, static_cast<std::size_t>(n));
    return n > 0;
  }

  ScriptedApiServer& server_;
  SSL* const ssl_;
  const int fd_;
  std::string received_;
};

ScriptedApiServer::ScriptedApiServer(const TestCertificate& certificate, Answer answer)
    : ScriptedApiServer(certificate, std::move(answer), Options()) {}

ScriptedApiServer::ScriptedApiServer(const TestCertificate& certificate, Answer answer,
                                     Options options)
    : answer_(std::move(answer)),
      options_(std::move(options)),
      context_(NewContext(certificate, options_.client_ca)),
      listener_(Listen(options_.ipv6, port_)) {
  BlockSignals({SIGPIPE});  // OpenSSL writes to sockets that the client may have closed
  if (listener_) acceptor_ = std::thread([this] { Accept(); });
}

ScriptedApiServer::~ScriptedApiServer() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
    for (const auto& client : clients_) ::shutdown(client->get(), SHUT_RDWR);
  }
  released_.notify_all();
  if (listener_) ::shutdown(listener_.get(), SHUT_RDWR);
  if (acceptor_.joinable()) acceptor_.join();
  for (std::thread& thread : threads_) thread.join();
}

std::string ScriptedApiServer::url() const {
  return absl::StrCat("https://", options_.ipv6 ? "[::1]" : "127.0.0.1", ":", port_);
}

std::vector<ApiRequest> ScriptedApiServer::requests() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return requests_;
}

std::size_t ScriptedApiServer::opened() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return clients_.size();
}

std::size_t ScriptedApiServer::closed() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return closed_;
}

void ScriptedApiServer::Release() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    ++releases_;
  }
  released_.notify_all();
}

void ScriptedApiServer::Accept() {
  for (;;) {
    auto fd =
        std::make_shared<UniqueFd>(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!*fd) return;
    const std::lock_guard<std::mutex> lock(mutex_);
    if (stopping_) return;
    clients_.push_back(fd);
    threads_.emplace_back([this, fd] { Serve(*fd); });
  }
}

void ScriptedApiServer::Serve(const UniqueFd& fd) {
  const std::shared_ptr<SSL> ssl(::SSL_new(context_.get()), &::SSL_free);
  ::SSL_set_fd(ssl.get(), fd.get());
  Peer peer(*this, ssl.get(), fd.get());
  if (options_.mute) {
    char byte;
    while (::recv(fd.get(), &byte, 1, 0) > 0) {
    }
  } else if (::SSL_accept(ssl.get()) == 1) {
    while (const std::optional<ApiRequest> request = peer.Receive()) {
      {
        const std::lock_guard<std::mutex> lock(mutex_);
        requests_.push_back(*request);
      }
      answer_(*request, peer);
    }
  }
  ::shutdown(fd.get(), SHUT_RDWR);
  const std::lock_guard<std::mutex> lock(mutex_);
  ++closed_;
}

std::string HttpAnswerOf(std::string_view status, std::string_view body, std::string_view headers) {
  return absl::StrCat("HTTP/1.1 ", std::string(status), "\r\nContent-Length: ", body.size(), "\r\n",
                      std::string(headers), "\r\n", std::string(body));
}

std::string ChunkedHead(std::string_view status) {
  return absl::StrCat("HTTP/1.1 ", std::string(status),
                      "\r\nTransfer-Encoding: chunked\r\nContent-Type: application/json\r\n\r\n");
}

std::string Chunk(std::string_view bytes) {
  return absl::StrCat(absl::Hex(bytes.size()), "\r\n", std::string(bytes), "\r\n");
}

}  // namespace nodedevice::testing
