#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "lib/base/unique_fd.h"
#include "tests/support/test_certificates.h"

struct ssl_st;      // OpenSSL's SSL
struct ssl_ctx_st;  // OpenSSL's SSL_CTX

namespace nodedevice::testing {

// What an API server was asked.
struct ApiRequest {
  std::string method;
  std::string target;  // path and query
  std::string head;    // the header lines, in lower case up to the colon
  std::string body;
  std::string client_name;  // of the client's certificate; empty: it has none

  // The value of a header, named in lower case; empty: there is none.
  std::string Header(const std::string& name) const;
};

// An HTTP server over TLS on the loopback that answers with the very bytes that a test gives: a
// thread for each connection, which blocks.
class ScriptedApiServer {
 public:
  // The client's connection, while a request is answered.
  class Connection {
   public:
    virtual ~Connection() = default;
    // False when the client is gone.
    virtual bool Send(std::string_view bytes) = 0;
    // Closes it without the words with which TLS ends.
    virtual void Cut() = 0;
    // Waits until the client has closed it.
    virtual void WaitForClient() = 0;
    // Waits for the next Release().
    virtual void WaitForRelease() = 0;
  };
  using Answer = std::function<void(const ApiRequest&, Connection&)>;
  struct Options {
    bool ipv6 = false;
    bool mute = false;           // accepts connections, and that is all
    std::string client_ca = {};  // asks clients for a certificate of this authority
  };

  // `answer` runs on the threads of the connections. Not listening() when there is no IPv6.
  ScriptedApiServer(const TestCertificate& certificate, Answer answer);
  ScriptedApiServer(const TestCertificate& certificate, Answer answer, Options options);
  // Closes every connection, ends every wait, and joins.
  ~ScriptedApiServer();
  ScriptedApiServer(const ScriptedApiServer&) = delete;
  ScriptedApiServer& operator=(const ScriptedApiServer&) = delete;

  bool listening() const { return static_cast<bool>(listener_); }
  std::string url() const;  // "https://127.0.0.1:41234"
  std::uint16_t port() const { return port_; }

  // What came so far, in order.
  std::vector<ApiRequest> requests() const;
  // How many connections came, and how many of them have ended.
  std::size_t opened() const;
  std::size_t closed() const;

  // Lets one WaitForRelease() go on, now or later.
  void Release();

 private:
  class Peer;

  void Accept();
  void Serve(const UniqueFd& fd);

  const Answer answer_;
  const Options options_;
  std::shared_ptr<ssl_ctx_st> context_;
  std::uint16_t port_ = 0;
  UniqueFd listener_;  // after port_, which it sets

  mutable std::mutex mutex_;
  std::condition_variable released_;
  int releases_ = 0;                                // guarded by mutex_
  bool stopping_ = false;                           // guarded by mutex_
  std::size_t closed_ = 0;                          // guarded by mutex_
  std::vector<ApiRequest> requests_;                // guarded by mutex_
  std::vector<std::shared_ptr<UniqueFd>> clients_;  // guarded by mutex_
  std::vector<std::thread> threads_;                // the accepting thread's, until it is joined
  std::thread acceptor_;
};

// An answer with a Content-Length, such as HttpAnswerOf("200 OK", "{}").
std::string HttpAnswerOf(std::string_view status, std::string_view body,
                         std::string_view headers = "");

// The beginning of an answer in chunks; a chunk; and the end of such an answer.
std::string ChunkedHead(std::string_view status = "200 OK");
std::string Chunk(std::string_view bytes);
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";

}  // namespace nodedevice::testing
