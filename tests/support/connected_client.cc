#include "tests/support/connected_client.h"

#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <signal.h>

#include <cerrno>
#include <cstdlib>

#include "lib/base/event_loop.h"

namespace nodedevice::testing {
namespace {

UniqueFd Connect(std::uint16_t port) {
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const timeval limit{.tv_sec = 30, .tv_usec = 0};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    fd.Reset();
  }
  return fd;
}

std::shared_ptr<BIO> Reading(const std::string& pem) {
  return {::BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &::BIO_free};
}

std::shared_ptr<X509> ReadCertificate(const std::string& pem) {
  return {::PEM_read_bio_X509(Reading(pem).get(), nullptr, nullptr, nullptr), &::X509_free};
}

std::shared_ptr<SSL_CTX> NewContext(const TlsClientOptions& options) {
  std::shared_ptr<SSL_CTX> context(::SSL_CTX_new(::TLS_client_method()), &::SSL_CTX_free);
  if (options.max_version != 0) {
    // Old versions need signatures that OpenSSL refuses by itself today.
    ::SSL_CTX_set_security_level(context.get(), 0);
    ::SSL_CTX_set_min_proto_version(context.get(), 0);
    ::SSL_CTX_set_max_proto_version(context.get(), options.max_version);
  }
  if (!options.ciphers.empty()) {
    ::SSL_CTX_set_cipher_list(context.get(), options.ciphers.c_str());
  }
  const auto ca = ReadCertificate(options.ca);
  ::X509_STORE_add_cert(::SSL_CTX_get_cert_store(context.get()), ca.get());
  ::SSL_CTX_set_verify(context.get(), options.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  if (!options.certificate.certificate.empty()) {
    const auto own = ReadCertificate(options.certificate.certificate);
    const std::shared_ptr<EVP_PKEY> key(
        ::PEM_read_bio_PrivateKey(Reading(options.certificate.key).get(), nullptr, nullptr,
                                  nullptr),
        &::EVP_PKEY_free);
    ::SSL_CTX_use_certificate(context.get(), own.get());
    ::SSL_CTX_use_PrivateKey(context.get(), key.get());
  }
  return context;
}

}  // namespace

ConnectedClient::ConnectedClient(std::uint16_t port) : fd_(Connect(port)), connected_(fd_) {}

ConnectedClient::ConnectedClient(std::uint16_t port, const TlsClientOptions& options)
    : fd_(Connect(port)), context_(NewContext(options)) {
  BlockSignals({SIGPIPE});  // OpenSSL writes to sockets that the server may have closed
  if (!fd_) return;
  ssl_.reset(::SSL_new(context_.get()), &::SSL_free);
  ::SSL_set_fd(ssl_.get(), fd_.get());
  ::ERR_clear_error();
  connected_ = ::SSL_connect(ssl_.get()) == 1;
  if (!connected_) NoteError();
}

ConnectedClient::~ConnectedClient() = default;
ConnectedClient::ConnectedClient(ConnectedClient&&) noexcept = default;

void ConnectedClient::NoteError() {
  const unsigned long code = ::ERR_get_error();
  const char* reason = code == 0 ? nullptr : ::ERR_reason_error_string(code);
  if (reason) error_ = reason;
}

std::string ConnectedClient::protocol() const { return ::SSL_get_version(ssl_.get()); }

std::string ConnectedClient::cipher() const { return ::SSL_get_cipher_name(ssl_.get()); }

std::string ConnectedClient::server_serial() const {
  const std::shared_ptr<X509> certificate(::SSL_get1_peer_certificate(ssl_.get()), &::X509_free);
  if (!certificate) return "";
  const std::shared_ptr<BIGNUM> number(
      ::ASN1_INTEGER_to_BN(::X509_get0_serialNumber(certificate.get()), nullptr), &::BN_free);
  const std::shared_ptr<char> text(::BN_bn2hex(number.get()),
                                   [](char* hex) { ::OPENSSL_free(hex); });
  return text.get();
}

void ConnectedClient::Send(std::string_view bytes) {
  while (!bytes.empty()) {
    const long sent = ssl_ ? ::SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()))
                           : ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;  // the server may refuse before it has read everything
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

long ConnectedClient::Read(char* buffer, std::size_t size) {
  ::ERR_clear_error();
  errno = 0;
  const long n = ssl_ ? ::SSL_read(ssl_.get(), buffer, static_cast<int>(size))
                      : ::recv(fd_.get(), buffer, size, 0);
  if (n > 0) return n;
  ended_ = ended_ || errno != EAGAIN || n == 0;
  if (ssl_) NoteError();
  return 0;
}

HttpAnswer ConnectedClient::Receive() {
  constexpr std::string_view kProtocol = "HTTP/1.1 ";
  constexpr std::string_view kLength = "Content-Length: ";
  char buffer[4096];
  for (;;) {
    const std::size_t end = received_.find("\r\n\r\n");
    if (end != std::string::npos && received_.starts_with(kProtocol)) {
      HttpAnswer answer{.status = std::atoi(received_.c_str() + kProtocol.size()),
                        .head = received_.substr(0, end + 2),
                        .body = ""};
      const std::size_t length = answer.head.find(kLength);
      const std::size_t body =
          length == std::string::npos
              ? 0
              : std::strtoul(answer.head.c_str() + length + kLength.size(), nullptr, 10);
      if (received_.size() >= end + 4 + body) {
        answer.body = received_.substr(end + 4, body);
        received_.erase(0, end + 4 + body);
        return answer;
      }
    }
    const long n = Read(buffer, sizeof(buffer));
    if (n == 0) return {};
    received_.append(buffer, static_cast<std::size_t>(n));
  }
}

HttpAnswer ConnectedClient::Get(const std::string& path, const std::string& headers) {
  Send("GET " + path + " HTTP/1.1\r\nHost: localhost\r\n" + headers + "\r\n");
  return Receive();
}

bool ConnectedClient::WaitForEnd() {
  char buffer[4096];
  while (!ended_ && Read(buffer, sizeof(buffer)) > 0) {
  }
  return ended_;
}

bool ConnectedClient::WasReset() const {
  ::shutdown(fd_.get(), SHUT_WR);  // both ends have finished now, or one has broken off
  int error = 0;
  socklen_t size = sizeof(error);
  return ::getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0;
}

}  // namespace nodedevice::testing
