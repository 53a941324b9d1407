#include "tests/support/test_certificates.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <cstdint>
#include <cstdlib>
#include <functional>
#include <utility>
#include <vector>

namespace nodedevice::testing {
namespace {

constexpr long kHour = 3600;
constexpr long kDay = 24 * kHour;

// Making a certificate out of nothing fails only when the machine does.
void Check(bool worked) {
  if (!worked) std::abort();
}

std::string Pem(const std::function<int(BIO*)>& write) {
  const std::unique_ptr<BIO, decltype(&::BIO_free)> bio(::BIO_new(::BIO_s_mem()), &::BIO_free);
  Check(write(bio.get()) == 1);
  char* text = nullptr;
  const long size = ::BIO_get_mem_data(bio.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

std::shared_ptr<EVP_PKEY> NewKey() {
  char curve[] = "P-256";  // the macro takes the const away
  std::shared_ptr<EVP_PKEY> key(::EVP_EC_gen(curve), &::EVP_PKEY_free);
  Check(key != nullptr);
  return key;
}

void AddExtension(X509* certificate, X509* issuer, int kind, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = ::X509V3_EXT_conf_nid(nullptr, &context, kind, value);
  Check(extension != nullptr && ::X509_add_ext(certificate, extension, -1) == 1);
  ::X509_EXTENSION_free(extension);
}

// Without issuer, extensions and signature.
std::shared_ptr<X509> NewCertificate(const std::vector<std::string>& common_names, EVP_PKEY* key,
                                     long not_after) {
  std::shared_ptr<X509> certificate(::X509_new(), &::X509_free);
  Check(certificate != nullptr && ::X509_set_version(certificate.get(), X509_VERSION_3) == 1);
  std::uint64_t serial = 0;
  Check(::RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof(serial)) == 1);
  ::ASN1_INTEGER_set_uint64(::X509_get_serialNumber(certificate.get()), serial >> 1);
  ::X509_gmtime_adj(::X509_getm_notBefore(certificate.get()), -30 * kDay);
  ::X509_gmtime_adj(::X509_getm_notAfter(certificate.get()), not_after);
  X509_NAME* subject = ::X509_get_subject_name(certificate.get());
  for (const std::string& name : common_names) {
    Check(::X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8,
                                       reinterpret_cast<const unsigned char*>(name.data()),
                                       static_cast<int>(name.size()), -1, 0) == 1);
  }
  Check(::X509_set_pubkey(certificate.get(), key) == 1);
  return certificate;
}

std::string SerialOf(X509* certificate) {
  BIGNUM* number = ::ASN1_INTEGER_to_BN(::X509_get_serialNumber(certificate), nullptr);
  char* text = ::BN_bn2hex(number);
  std::string serial = text;
  ::OPENSSL_free(text);
  ::BN_free(number);
  return serial;
}

}  // namespace

struct TestAuthority::Wish {
  std::vector<std::string> common_names;
  const char* usage;
  std::string names = "DNS:localhost,IP:127.0.0.1,IP:::1";
  long not_after = kHour;
};

TestAuthority::TestAuthority(const std::string& name)
    : key_(NewKey()), certificate_(NewCertificate({name}, key_.get(), kDay)) {
  X509* own = certificate_.get();
  Check(::X509_set_issuer_name(own, ::X509_get_subject_name(own)) == 1);
  AddExtension(own, own, NID_basic_constraints, "critical,CA:TRUE");
  AddExtension(own, own, NID_key_usage, "critical,keyCertSign,cRLSign");
  Check(::X509_sign(own, key_.get(), ::EVP_sha256()) > 0);
  pem_ = Pem([own](BIO* bio) { return ::PEM_write_bio_X509(bio, own); });
}

TestAuthority::~TestAuthority() = default;

TestCertificate TestAuthority::Server() const {
  return Issue({.common_names = {"localhost"}, .usage = "serverAuth"});
}

TestCertificate TestAuthority::ServerNamed(const std::string& names) const {
  return Issue({.common_names = {"server"}, .usage = "serverAuth", .names = names});
}

TestCertificate TestAuthority::ExpiredServer() const {
  return Issue({.common_names = {"localhost"}, .usage = "serverAuth", .not_after = -kDay});
}

TestCertificate TestAuthority::Client(const std::string& common_name,
                                      const std::string& second_name) const {
  std::vector<std::string> names = {common_name};
  if (!second_name.empty()) names.push_back(second_name);
  return Issue({.common_names = names, .usage = "clientAuth"});
}

TestCertificate TestAuthority::Issue(const Wish& wish) const {
  const std::shared_ptr<EVP_PKEY> key = NewKey();
  const std::shared_ptr<X509> certificate =
      NewCertificate(wish.common_names, key.get(), wish.not_after);
  Check(::X509_set_issuer_name(certificate.get(), ::X509_get_subject_name(certificate_.get())) ==
        1);
  AddExtension(certificate.get(), certificate_.get(), NID_ext_key_usage, wish.usage);
  AddExtension(certificate.get(), certificate_.get(), NID_subject_alt_name, wish.names.c_str());
  Check(::X509_sign(certificate.get(), key_.get(), ::EVP_sha256()) > 0);
  return {
      .certificate = Pem([&](BIO* bio) { return ::PEM_write_bio_X509(bio, certificate.get()); }),
      .key = Pem([&](BIO* bio) {
        return ::PEM_write_bio_PrivateKey(bio, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
      }),
      .serial = SerialOf(certificate.get())};
}

}  // namespace nodedevice::testing
