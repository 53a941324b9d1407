#include "lib/metrics/tls_context.h"

#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <ctime>
#include <string_view>
#include <utility>

#include "absl/strings/str_join.h"
#include "lib/metrics/tls_ciphers.h"

namespace nodedevice {
namespace {

using Certificate = std::unique_ptr<X509, decltype(&::X509_free)>;
using Key = std::unique_ptr<EVP_PKEY, decltype(&::EVP_PKEY_free)>;

// OpenSSL's reason for what just failed.
std::string Reason() {
  const unsigned long code = ::ERR_peek_last_error();
  const char* reason = code == 0 ? nullptr : ::ERR_reason_error_string(code);
  ::ERR_clear_error();
  return reason ? reason : "unknown reason";
}

// Nobody types a passphrase here; without this, OpenSSL would ask the terminal for it.
int NoPassphrase(char*, int, int, void*) { return -1; }

std::vector<Certificate> ReadCertificates(const std::string& pem) {
  std::vector<Certificate> certificates;
  const std::unique_ptr<BIO, decltype(&::BIO_free)> bio(
      ::BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &::BIO_free);
  while (X509* next = ::PEM_read_bio_X509(bio.get(), nullptr, &NoPassphrase, nullptr)) {
    certificates.emplace_back(next, &::X509_free);
  }
  ::ERR_clear_error();  // the end of the text is one
  return certificates;
}

absl::Status UseCertificate(SSL_CTX* context, const std::string& flag,
                            std::vector<Certificate>& chain) {
  if (::SSL_CTX_use_certificate(context, chain.front().get()) != 1) {
    return absl::InvalidArgumentError(absl::StrCat(flag, ": cannot be used: ", Reason()));
  }
  for (std::size_t i = 1; i < chain.size(); ++i) {
    if (::SSL_CTX_add1_chain_cert(context, chain[i].get()) != 1) {
      return absl::InvalidArgumentError(
          absl::StrCat(flag, ": certificate ", i + 1, " of it cannot be used: ", Reason()));
    }
  }
  return absl::OkStatus();
}

absl::Status UseKey(SSL_CTX* context, const std::string& flag, const std::string& certificate_flag,
                    const X509* certificate, const std::string& pem) {
  const std::unique_ptr<BIO, decltype(&::BIO_free)> bio(
      ::BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &::BIO_free);
  const Key key(::PEM_read_bio_PrivateKey(bio.get(), nullptr, &NoPassphrase, nullptr),
                &::EVP_PKEY_free);
  if (!key) {
    return absl::InvalidArgumentError(
        absl::StrCat(flag, ": holds no private key in PEM form without a passphrase: ", Reason()));
  }
  if (::X509_check_private_key(certificate, key.get()) != 1) {
    ::ERR_clear_error();
    return absl::InvalidArgumentError(absl::StrCat(flag, ": is not the key of the certificate in ",
                                                   certificate_flag,
                                                   "; both must come from the same Secret"));
  }
  if (::SSL_CTX_use_PrivateKey(context, key.get()) != 1) {
    return absl::InvalidArgumentError(absl::StrCat(flag, ": cannot be used: ", Reason()));
  }
  return absl::OkStatus();
}

// Asks clients for a certificate. One that does not verify ends the handshake; none is allowed.
absl::Status AskForClientCertificates(SSL_CTX* context, const std::string& flag,
                                      const std::string& pem) {
  const std::vector<Certificate> authorities = ReadCertificates(pem);
  if (authorities.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(flag, ": holds no certificate in PEM form"));
  }
  X509_STORE* store = ::SSL_CTX_get_cert_store(context);
  for (const Certificate& authority : authorities) {
    if (::X509_STORE_add_cert(store, authority.get()) != 1 ||
        ::SSL_CTX_add_client_CA(context, authority.get()) != 1) {
      return absl::InvalidArgumentError(absl::StrCat(flag, ": cannot be used: ", Reason()));
    }
  }
  // Every certificate of the bundle is trusted, also one that is not its own issuer: a cluster's
  // bundle names the signers of its certificates, which may be intermediate ones.
  ::X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
  ::SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  return absl::OkStatus();
}

std::int64_t UnixSeconds(const ASN1_TIME* time) {
  std::tm parts = {};
  return ::ASN1_TIME_to_tm(time, &parts) == 1 ? ::timegm(&parts) : 0;
}

std::string SerialOf(const X509* certificate) {
  const std::unique_ptr<BIGNUM, decltype(&::BN_free)> number(
      ::ASN1_INTEGER_to_BN(::X509_get0_serialNumber(certificate), nullptr), &::BN_free);
  char* text = number ? ::BN_bn2hex(number.get()) : nullptr;
  std::string serial = text ? text : "";
  ::OPENSSL_free(text);
  return serial;
}

}  // namespace

absl::StatusOr<TlsContext> MakeTlsContext(const TlsOptions& options, const TlsFiles& files) {
  const std::shared_ptr<SSL_CTX> context(::SSL_CTX_new(::TLS_server_method()), &::SSL_CTX_free);
  if (!context) return absl::ResourceExhaustedError(absl::StrCat("TLS cannot start: ", Reason()));
  const bool only_tls13 = options.min_version == "VersionTLS13";
  if (!only_tls13 && options.min_version != "VersionTLS12") {
    return absl::InvalidArgumentError(absl::StrCat("--tls-min-version ", options.min_version,
                                                   ": expected VersionTLS12 or VersionTLS13"));
  }
  ::SSL_CTX_set_min_proto_version(context.get(), only_tls13 ? TLS1_3_VERSION : TLS1_2_VERSION);
  ASSIGN_OR_RETURN(const std::string ciphers, Tls12Ciphers(options.cipher_suites));
  if (ciphers.empty() && !only_tls13) {
    return absl::InvalidArgumentError(
        absl::StrCat("--tls-cipher-suites ", absl::StrJoin(options.cipher_suites, ","),
                     ": has only suites of TLS 1.3; add one of TLS 1.2, or set "
                     "--tls-min-version VersionTLS13"));
  }
  if (!ciphers.empty()) ::SSL_CTX_set_cipher_list(context.get(), ciphers.c_str());
  // Clients come once in a while and stay connected: nothing is kept for their return.
  ::SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  ::SSL_CTX_set_num_tickets(context.get(), 0);
  ::SSL_CTX_set_options(context.get(), SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION |
                                           SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  ::SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                        SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);

  const std::string certificate_flag = absl::StrCat("--tls-cert ", options.certificate.string());
  std::vector<Certificate> chain = ReadCertificates(files.certificate);
  if (chain.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(certificate_flag, ": holds no certificate in PEM form"));
  }
  RETURN_IF_ERROR(UseCertificate(context.get(), certificate_flag, chain));
  RETURN_IF_ERROR(UseKey(context.get(), absl::StrCat("--tls-key ", options.key.string()),
                         certificate_flag, chain.front().get(), files.key));
  if (!options.client_ca.empty()) {
    RETURN_IF_ERROR(AskForClientCertificates(
        context.get(), absl::StrCat("--client-ca ", options.client_ca.string()), files.client_ca));
  }
  return TlsContext{.context = context,
                    .not_after = UnixSeconds(::X509_get0_notAfter(chain.front().get())),
                    .serial = SerialOf(chain.front().get())};
}

}  // namespace nodedevice
