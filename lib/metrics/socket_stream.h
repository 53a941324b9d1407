#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "lib/base/unique_fd.h"

struct ssl_st;      // OpenSSL's SSL
struct ssl_ctx_st;  // OpenSSL's SSL_CTX

namespace nodedevice {

// The server's end of one connection, plain or TLS, on a non-blocking socket: every call does what
// can be done now and says what to wait for. One thread, which has SIGPIPE blocked.
class SocketStream {
 public:
  enum class Outcome {
    kDone,
    kWaitToRead,   // call again when the socket is readable
    kWaitToWrite,  // call again when it is writable
    kPlainHttp,    // Handshake() only: the client does not speak TLS but HTTP
    kEnd,          // the peer closed, or did what ends a connection
  };
  struct Result {
    Outcome outcome = Outcome::kEnd;
    std::size_t bytes = 0;  // with kDone
  };

  // `context`: with what to speak TLS; null: plain.
  SocketStream(UniqueFd fd, ssl_ctx_st* context);
  ~SocketStream();
  SocketStream(SocketStream&&) noexcept;
  SocketStream& operator=(SocketStream&&) = delete;

  int fd() const { return fd_.get(); }

  // To be called until kDone, before the others. Done at once without TLS.
  Outcome Handshake();
  Result Read(char* buffer, std::size_t size);
  Result Write(std::string_view bytes);
  // Past TLS: bytes for nobody.
  Result Discard(char* buffer, std::size_t size);
  Result WritePlain(std::string_view bytes);
  // Says that nothing more will be written.
  void EndWriting();

  // After the handshake: the common name of the client certificate that was verified, empty when it
  // has not exactly one. Nothing without a certificate.
  std::optional<std::string> CertificateName() const;

 private:
  struct Free {
    void operator()(ssl_st* ssl) const;
  };
  Outcome OutcomeOf(int result) const;

  UniqueFd fd_;
  std::unique_ptr<ssl_st, Free> ssl_;
  bool broken_ = false;  // a TLS error: not even a farewell may be sent
};

}  // namespace nodedevice
