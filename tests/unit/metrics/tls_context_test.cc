#include "lib/metrics/tls_context.h"

#include <openssl/ssl.h>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "lib/metrics/tls_ciphers.h"
#include "tests/support/test_certificates.h"

namespace nodedevice::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class TlsContextTest : public ::testing::Test {
 protected:
  TlsContextTest() {
    const TestCertificate server = authority_.Server();
    files_ = {.certificate = server.certificate, .key = server.key, .client_ca = authority_.pem()};
    serial_ = server.serial;
  }

  std::string Problem() const {
    return std::string(MakeTlsContext(options_, files_).status().message());
  }

  const TestAuthority authority_;
  TlsOptions options_ = {
      .certificate = "/tls/tls.crt", .key = "/tls/tls.key", .client_ca = "/tls/ca.crt"};
  TlsFiles files_;
  std::string serial_;
};

TEST_F(TlsContextTest, TellsSerialAndExpiry) {
  const auto context = MakeTlsContext(options_, files_);
  ASSERT_TRUE(context.ok()) << context.status();
  EXPECT_EQ(context->serial, serial_);
  const std::int64_t now = std::time(nullptr);
  EXPECT_GT(context->not_after, now);
  EXPECT_LE(context->not_after, now + 3600);
}

TEST_F(TlsContextTest, ServesAChain) {
  const TestAuthority other;
  files_.certificate += authority_.pem() + other.pem();
  const auto context = MakeTlsContext(options_, files_);
  ASSERT_TRUE(context.ok()) << context.status();
  STACK_OF(X509)* chain = nullptr;
  ::SSL_CTX_get0_chain_certs(context->context.get(), &chain);
  EXPECT_EQ(sk_X509_num(chain), 2);
}

TEST_F(TlsContextTest, KeepsNothingForReturningClients) {
  const auto context = MakeTlsContext(options_, files_);
  ASSERT_TRUE(context.ok()) << context.status();
  SSL_CTX* raw = context->context.get();
  EXPECT_EQ(::SSL_CTX_get_session_cache_mode(raw), SSL_SESS_CACHE_OFF);
  EXPECT_TRUE(::SSL_CTX_get_mode(raw) & SSL_MODE_RELEASE_BUFFERS);
}

TEST_F(TlsContextTest, SaysWhatIsWrongWithAFile) {
  const TlsFiles good = files_;
  files_.certificate = "";
  EXPECT_EQ(Problem(), "--tls-cert /tls/tls.crt: holds no certificate in PEM form");
  files_ = good;
  files_.key = good.certificate;
  EXPECT_THAT(Problem(), StartsWith("--tls-key /tls/tls.key: holds no private key"));
  files_ = good;
  files_.key = authority_.Server().key;
  EXPECT_THAT(Problem(), StartsWith("--tls-key /tls/tls.key: is not the key of the certificate in "
                                    "--tls-cert /tls/tls.crt"));
  files_ = good;
  files_.client_ca = "nothing";
  EXPECT_EQ(Problem(), "--client-ca /tls/ca.crt: holds no certificate in PEM form");
}

TEST_F(TlsContextTest, AnEncryptedKeyIsRefusedWithoutAsking) {
  files_.key =
      "-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n"
      "DEK-Info: AES-128-CBC,00112233445566778899AABBCCDDEEFF\n\nAAAA\n"
      "-----END EC PRIVATE KEY-----\n";
  EXPECT_THAT(Problem(), HasSubstr("holds no private key in PEM form without a passphrase"));
}

TEST_F(TlsContextTest, KnowsTheVersionsByOpenShiftsNames) {
  options_.min_version = "VersionTLS13";
  const auto context = MakeTlsContext(options_, files_);
  ASSERT_TRUE(context.ok()) << context.status();
  EXPECT_EQ(SSL_CTX_get_min_proto_version(context->context.get()), TLS1_3_VERSION);
  options_.min_version = "1.2";
  EXPECT_EQ(Problem(), "--tls-min-version 1.2: expected VersionTLS12 or VersionTLS13");
}

TEST_F(TlsContextTest, SuitesOfTls13AloneServeNobodyWithTls12) {
  options_.cipher_suites = {"TLS_AES_128_GCM_SHA256"};
  EXPECT_THAT(Problem(), AllOf(StartsWith("--tls-cipher-suites TLS_AES_128_GCM_SHA256"),
                               HasSubstr("--tls-min-version VersionTLS13")));
  options_.min_version = "VersionTLS13";
  EXPECT_EQ(Problem(), "");
}

TEST(TlsCiphersTest, TakesOpenSslAndIanaNames) {
  EXPECT_EQ(*Tls12Ciphers({"ECDHE-RSA-AES128-GCM-SHA256", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
                           "TLS_AES_256_GCM_SHA384"}),
            "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384");
}

TEST(TlsCiphersTest, TakesTheIntermediateProfileOfOpenShift) {
  EXPECT_TRUE(Tls12Ciphers({"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384",
                            "TLS_CHACHA20_POLY1305_SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256",
                            "ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384",
                            "ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305",
                            "ECDHE-RSA-CHACHA20-POLY1305", "DHE-RSA-AES128-GCM-SHA256",
                            "DHE-RSA-AES256-GCM-SHA384"})
                  .ok());
}

TEST(TlsCiphersTest, RefusesWhatIsNoSuiteOrNoGoodOne) {
  for (const char* name : {"RC4-MD5-SHA7", "HIGH", "@SECLEVEL=0", "ALL:COMPLEMENTOFALL", "!AES", "",
                           "NULL-SHA256", "ADH-AES128-GCM-SHA256"}) {
    const auto ciphers = Tls12Ciphers({"ECDHE-RSA-AES128-GCM-SHA256", name});
    ASSERT_FALSE(ciphers.ok()) << name;
    EXPECT_THAT(std::string(ciphers.status().message()),
                StartsWith("--tls-cipher-suites: '" + std::string(name) + "' is no cipher suite"));
  }
}

}  // namespace
}  // namespace nodedevice::testing
