#pragma once

#include <boost/asio/ssl/context.hpp>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

namespace nodedevice {

// How ApiClient's connections speak TLS.

// What a connection is made with, in PEM; a change needs a new http_client.
struct TlsMaterial {
  std::string ca;
  std::string certificate;
  std::string key;
  bool operator==(const TlsMaterial&) const = default;
};

// Why a handshake failed, such as "certificate has expired": cpprestsdk itself says no more than
// that it did. Thread-safe.
class HandshakeProblem {
 public:
  void Set(std::string text) {
    const std::lock_guard<std::mutex> lock(mutex_);
    text_ = std::move(text);
  }
  // The newest that nobody has taken; empty: there is none.
  std::string Take() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return std::exchange(text_, {});
  }

 private:
  std::mutex mutex_;
  std::string text_;  // guarded by mutex_
};

// For cpprestsdk's hook of this kind. Trusts `ca` and nobody else, or the machine's authorities
// when it is empty. Certificates that cannot be used show as a failed handshake, whose reason goes
// to `problem`.
void ConfigureTls(boost::asio::ssl::context& context, const TlsMaterial& material,
                  std::shared_ptr<HandshakeProblem> problem);

// For a process in which every connection has a `ca` of its own: OpenSSL does not read the bundle
// of the machine's authorities, which cpprestsdk makes it do for each connection and ConfigureTls()
// forgets again; where there is one that costs a megabyte. Only before there is another thread. Not
// inherited by what the process starts.
void DoNotReadMachineAuthorities();

// For cpprestsdk's hook for a native handle, with a context of ConfigureTls(): a half-open
// connection ends by itself, because the kernel asks the peer, and gives up on it.
void NoticeDeadPeers(void* tls_stream);

}  // namespace nodedevice
