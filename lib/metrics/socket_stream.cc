#include "lib/metrics/socket_stream.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

namespace nodedevice {
namespace {

using Outcome = SocketStream::Outcome;
using Result = SocketStream::Result;

Result ResultOf(ssize_t n, Outcome wait) {
  if (n > 0) return {.outcome = Outcome::kDone, .bytes = static_cast<std::size_t>(n)};
  const bool later = n < 0 && (errno == EAGAIN || errno == EINTR);
  return {.outcome = later ? wait : Outcome::kEnd};
}

// A name with a NUL inside, or one that is not text, is no name.
std::string TextOf(const ASN1_STRING* value) {
  unsigned char* bytes = nullptr;
  const int length = ::ASN1_STRING_to_UTF8(&bytes, value);
  if (length < 0) return "";
  std::string text(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(length));
  ::OPENSSL_free(bytes);
  return text.find('\0') == std::string::npos ? text : "";
}

std::string CommonNameOf(const X509* certificate) {
  const X509_NAME* subject = ::X509_get_subject_name(certificate);
  const int first = ::X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (first < 0 || ::X509_NAME_get_index_by_NID(subject, NID_commonName, first) >= 0) return "";
  return TextOf(::X509_NAME_ENTRY_get_data(::X509_NAME_get_entry(subject, first)));
}

}  // namespace

void SocketStream::Free::operator()(ssl_st* ssl) const { ::SSL_free(ssl); }

SocketStream::SocketStream(UniqueFd fd, ssl_ctx_st* context) : fd_(std::move(fd)) {
  if (context == nullptr) return;
  ssl_.reset(::SSL_new(context));
  // Without memory for it every call below ends the connection; never is it plain instead.
  broken_ = ssl_ == nullptr || ::SSL_set_fd(ssl_.get(), fd_.get()) != 1;
}

SocketStream::~SocketStream() = default;
SocketStream::SocketStream(SocketStream&&) noexcept = default;

SocketStream::Outcome SocketStream::OutcomeOf(int result) const {
  switch (::SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return Outcome::kWaitToRead;
    case SSL_ERROR_WANT_WRITE:
      return Outcome::kWaitToWrite;
    default:
      return Outcome::kEnd;
  }
}

SocketStream::Outcome SocketStream::Handshake() {
  if (broken_) return Outcome::kEnd;
  if (!ssl_) return Outcome::kDone;
  ::ERR_clear_error();
  const int result = ::SSL_accept(ssl_.get());
  if (result == 1) return Outcome::kDone;
  const Outcome outcome = OutcomeOf(result);
  broken_ = outcome == Outcome::kEnd;
  const bool http = broken_ && ERR_GET_REASON(::ERR_peek_error()) == SSL_R_HTTP_REQUEST;
  return http ? Outcome::kPlainHttp : outcome;
}

SocketStream::Result SocketStream::Read(char* buffer, std::size_t size) {
  if (broken_) return {};
  if (!ssl_) return ResultOf(::recv(fd_.get(), buffer, size, 0), Outcome::kWaitToRead);
  ::ERR_clear_error();
  std::size_t n = 0;
  const int result = ::SSL_read_ex(ssl_.get(), buffer, size, &n);
  if (result == 1) return {.outcome = Outcome::kDone, .bytes = n};
  const Outcome outcome = OutcomeOf(result);
  const bool ended = ::SSL_get_error(ssl_.get(), result) == SSL_ERROR_ZERO_RETURN;
  broken_ = outcome == Outcome::kEnd && !ended;
  return {.outcome = outcome};
}

SocketStream::Result SocketStream::Write(std::string_view bytes) {
  if (broken_) return {};
  if (!ssl_) return WritePlain(bytes);
  ::ERR_clear_error();
  std::size_t n = 0;
  const int result = ::SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &n);
  if (result == 1) return {.outcome = Outcome::kDone, .bytes = n};
  const Outcome outcome = OutcomeOf(result);
  broken_ = outcome == Outcome::kEnd;
  return {.outcome = outcome};
}

SocketStream::Result SocketStream::Discard(char* buffer, std::size_t size) {
  return ResultOf(::recv(fd_.get(), buffer, size, 0), Outcome::kWaitToRead);
}

SocketStream::Result SocketStream::WritePlain(std::string_view bytes) {
  return ResultOf(::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
                  Outcome::kWaitToWrite);
}

void SocketStream::EndWriting() {
  if (ssl_ && !broken_) {
    ::ERR_clear_error();
    ::SSL_shutdown(ssl_.get());  // a farewell that is not waited for
  }
  ::shutdown(fd_.get(), SHUT_WR);
}

std::optional<std::string> SocketStream::CertificateName() const {
  if (!ssl_) return std::nullopt;
  const std::unique_ptr<X509, decltype(&::X509_free)> certificate(
      ::SSL_get1_peer_certificate(ssl_.get()), &::X509_free);
  if (!certificate) return std::nullopt;
  // The handshake has failed otherwise; this is the lock behind that lock.
  if (::SSL_get_verify_result(ssl_.get()) != X509_V_OK) return std::nullopt;
  return CommonNameOf(certificate.get());
}

}  // namespace nodedevice
