#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "lib/base/status.h"

struct ssl_ctx_st;  // OpenSSL's SSL_CTX

namespace nodedevice {

// How to serve TLS, as the flags --tls-cert, --tls-key, --client-ca, --tls-min-version and
// --tls-cipher-suites say it.
struct TlsOptions {
  std::filesystem::path certificate;  // PEM, with the chain up to the root behind it
  std::filesystem::path key;          // PEM, no passphrase
  std::filesystem::path client_ca =
      {};  // PEM bundle; empty: clients are not asked for certificates
  std::string min_version = "VersionTLS12";  // or VersionTLS13
  // For TLS 1.2, by OpenSSL's or IANA's names; empty: those with forward secrecy and AEAD. Names of
  // TLS 1.3, where every suite is good, are allowed and change nothing.
  std::vector<std::string> cipher_suites = {};
};

// What was in the files of TlsOptions.
struct TlsFiles {
  std::string certificate;
  std::string key;
  std::string client_ca;
};

struct TlsContext {
  std::shared_ptr<ssl_ctx_st> context;
  std::int64_t not_after = 0;  // of the certificate, in Unix seconds
  std::string serial;          // of the certificate, hexadecimal
};

// Everything that new connections need. Any thread. The error names the flag and the file, or the
// flag and its value.
absl::StatusOr<TlsContext> MakeTlsContext(const TlsOptions& options, const TlsFiles& files);

}  // namespace nodedevice
