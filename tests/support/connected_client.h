#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "lib/base/unique_fd.h"
#include "tests/support/http_client.h"
#include "tests/support/test_certificates.h"

struct ssl_st;      // OpenSSL's SSL
struct ssl_ctx_st;  // OpenSSL's SSL_CTX

namespace nodedevice::testing {

// How a client speaks TLS.
struct TlsClientOptions {
  std::string ca = {};               // PEM: who must have issued the server's certificate
  TestCertificate certificate = {};  // its own; empty: none
  bool verify = true;
  int max_version = 0;       // such as TLS1_1_VERSION; 0: the newest
  std::string ciphers = {};  // for TLS 1.2; empty: any
};

// One connection to 127.0.0.1 on which several requests can be sent, plain or with TLS. Blocks, for
// at most a time that no healthy machine needs.
class ConnectedClient {
 public:
  explicit ConnectedClient(std::uint16_t port);
  // Not connected() when the handshake fails.
  ConnectedClient(std::uint16_t port, const TlsClientOptions& options);
  ~ConnectedClient();
  ConnectedClient(ConnectedClient&&) noexcept;

  bool connected() const { return connected_; }
  // What went wrong, in OpenSSL's words.
  const std::string& error() const { return error_; }
  std::string protocol() const;
  std::string cipher() const;
  std::string server_serial() const;

  void Send(std::string_view bytes);
  // The next answer: a head, and the body that its Content-Length promises.
  HttpAnswer Receive();
  // Sends a GET without a wish to close, with these header lines, and receives the answer.
  HttpAnswer Get(const std::string& path, const std::string& headers = "");
  // Waits until the server has closed the connection, whatever it sends before; false: it has not.
  bool WaitForEnd();
  // The server has reset the connection: it closed it with bytes unread.
  bool WasReset() const;

 private:
  long Read(char* buffer, std::size_t size);
  void NoteError();

  UniqueFd fd_;
  std::shared_ptr<ssl_ctx_st> context_;
  std::shared_ptr<ssl_st> ssl_;
  bool connected_ = false;
  bool ended_ = false;
  std::string error_;
  std::string received_;
};

}  // namespace nodedevice::testing
