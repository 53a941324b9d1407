#pragma once

#include <boost/asio/ssl/context.hpp>
#include <string>

namespace nodedevice {

// How ApiClient's connections speak TLS.

// What a connection is made with, in PEM; a change needs a new http_client.
struct TlsMaterial {
  std::string ca;
  std::string certificate;
  std::string key;
  bool operator==(const TlsMaterial&) const = default;
};

// For cpprestsdk's hook of this kind. Trusts `ca` and nobody else, or the machine's authorities
// when it is empty. Certificates that cannot be used show as a failed handshake, with its reason.
void ConfigureTls(boost::asio::ssl::context& context, const TlsMaterial& material);

// For a process in which every connection has a `ca` of its own: OpenSSL does not read the bundle
// of the machine's authorities, which cpprestsdk makes it do for each connection and ConfigureTls()
// forgets again; where there is one that costs a megabyte. Only before there is another thread. Not
// inherited by what the process starts.
void DoNotReadMachineAuthorities();

// For cpprestsdk's hook for a native handle, with a context of ConfigureTls(): a half-open
// connection ends by itself, because the kernel asks the peer, and gives up on it.
void NoticeDeadPeers(void* tls_stream);

}  // namespace nodedevice
