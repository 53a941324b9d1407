#include "lib/metrics/tls_ciphers.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string_view>

namespace nodedevice {
namespace {

// OpenSSL and IANA call them the same.
constexpr std::array<std::string_view, 5> kTls13 = {
    "TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256",
    "TLS_AES_128_CCM_SHA256", "TLS_AES_128_CCM_8_SHA256"};

// Forward secrecy by elliptic curves, authenticated encryption.
constexpr char kDefault[] =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";

// The words of OpenSSL's cipher lists that are not suites ("HIGH", "@SECLEVEL=0") find none of
// their name.
bool IsOffered(SSL_CTX* scratch, const std::string& name) {
  const bool known = ::SSL_CTX_set_cipher_list(scratch, (name + ":!aNULL:!eNULL").c_str()) == 1;
  ::ERR_clear_error();
  if (!known) return false;
  const STACK_OF(SSL_CIPHER)* ciphers = ::SSL_CTX_get_ciphers(scratch);
  for (int i = 0; i < sk_SSL_CIPHER_num(ciphers); ++i) {
    if (name == ::SSL_CIPHER_get_name(sk_SSL_CIPHER_value(ciphers, i))) return true;
  }
  return false;
}

}  // namespace

absl::StatusOr<std::string> Tls12Ciphers(const std::vector<std::string>& suites) {
  if (suites.empty()) return kDefault;
  const std::unique_ptr<SSL_CTX, decltype(&::SSL_CTX_free)> scratch(
      ::SSL_CTX_new(::TLS_server_method()), &::SSL_CTX_free);
  std::string list;
  for (const std::string& suite : suites) {
    if (std::find(kTls13.begin(), kTls13.end(), suite) != kTls13.end()) continue;
    const std::string by_iana = ::OPENSSL_cipher_name(suite.c_str());
    const std::string& name = by_iana == "(NONE)" ? suite : by_iana;
    if (!scratch || !IsOffered(scratch.get(), name)) {
      return absl::InvalidArgumentError(
          absl::StrCat("--tls-cipher-suites: '", suite,
                       "' is no cipher suite that can be served; expected names such as "
                       "ECDHE-RSA-AES128-GCM-SHA256 or TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256; "
                       "`openssl ciphers -stdname` lists them"));
    }
    absl::StrAppend(&list, list.empty() ? "" : ":", name);
  }
  return list;
}

}  // namespace nodedevice
