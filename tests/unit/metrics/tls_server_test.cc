// The server over TLS: versions, certificates and who is let in by one, and renewal.

#include <openssl/ssl.h>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/metrics/tls_server_fixture.h"

namespace nodedevice::testing {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

using TlsServerTest = TlsServerFixture;

TEST_F(TlsServerTest, ServesTheBestVersionToANamedClient) {
  const auto server = Start();
  ConnectedClient client(server->port(), As(authority_.Client("prometheus")));
  ASSERT_TRUE(client.connected()) << client.error();
  EXPECT_EQ(client.protocol(), "TLSv1.3");
  EXPECT_EQ(client.server_serial(), pair_.serial);
  const HttpAnswer answer = client.Get("/metrics");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "up 1\n");
  EXPECT_EQ(client.Get("/").status, 200) << "on the same connection";
}

TEST_F(TlsServerTest, ServesOnEveryAddress) {
  const auto server = Start({}, "0.0.0.0:0");
  EXPECT_EQ(ConnectedClient(server->port(), Anonymous()).Get("/healthz").status, 200);
}

TEST_F(TlsServerTest, Tls12IsTheOldestByDefault) {
  const auto server = Start();
  TlsClientOptions options = Anonymous();
  options.max_version = TLS1_2_VERSION;
  ConnectedClient client(server->port(), options);
  ASSERT_TRUE(client.connected()) << client.error();
  EXPECT_EQ(client.protocol(), "TLSv1.2");
  EXPECT_EQ(client.Get("/healthz").status, 200);

  options.max_version = TLS1_1_VERSION;
  ConnectedClient old(server->port(), options);
  EXPECT_FALSE(old.connected());
  EXPECT_THAT(old.error(), HasSubstr("alert protocol version"));
}

TEST_F(TlsServerTest, Tls13CanBeTheOldest) {
  tls_.min_version = "VersionTLS13";
  const auto server = Start();
  EXPECT_TRUE(ConnectedClient(server->port(), Anonymous()).connected());
  TlsClientOptions options = Anonymous();
  options.max_version = TLS1_2_VERSION;
  EXPECT_THAT(ConnectedClient(server->port(), options).error(),
              HasSubstr("alert protocol version"));
}

TEST_F(TlsServerTest, OnlyTheNamedCipherSuitesAreServed) {
  tls_.cipher_suites = {"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"};
  const auto server = Start();
  TlsClientOptions options = Anonymous();
  options.max_version = TLS1_2_VERSION;
  EXPECT_EQ(ConnectedClient(server->port(), options).cipher(), "ECDHE-ECDSA-AES256-GCM-SHA384");
  options.ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256";
  EXPECT_FALSE(ConnectedClient(server->port(), options).connected());
}

TEST_F(TlsServerTest, ProbesNeedNoCredentials) {
  const auto server = Start();
  ConnectedClient client(server->port(), Anonymous());
  EXPECT_EQ(client.Get("/healthz").status, 200);
  EXPECT_EQ(client.Get("/readyz").status, 503);
}

TEST_F(TlsServerTest, WithoutCredentialsThereIsNothingElse) {
  const auto server = Start();
  ConnectedClient client(server->port(), Anonymous());
  for (const char* path : {"/metrics", "/", "/nothing"}) {
    const HttpAnswer answer = client.Get(path);
    EXPECT_EQ(answer.status, 401) << path;
    EXPECT_THAT(answer.head, HasSubstr("WWW-Authenticate: Bearer\r\n"));
  }
}

TEST_F(TlsServerTest, AnotherNameIsForbidden) {
  const auto server = Start();
  ConnectedClient client(server->port(), As(authority_.Client("somebody")));
  const HttpAnswer answer = client.Get("/metrics");
  EXPECT_EQ(answer.status, 403);
  EXPECT_THAT(answer.body, StartsWith("somebody may not read this"));
  EXPECT_EQ(client.Get("/healthz").status, 200);
}

TEST_F(TlsServerTest, TwoNamesAreNoName) {
  const auto server = Start();
  for (const TestCertificate& certificate :
       {authority_.Client("prometheus", "somebody"), authority_.Client("somebody", "prometheus")}) {
    ConnectedClient client(server->port(), As(certificate));
    EXPECT_EQ(client.Get("/metrics").status, 403);
  }
}

TEST_F(TlsServerTest, ACertificateOfAnotherAuthorityEndsTheConnection) {
  const auto server = Start();
  // The same names, another key.
  const TestAuthority stranger;
  ConnectedClient client(server->port(), As(stranger.Client("prometheus")));
  EXPECT_EQ(client.Get("/metrics").status, 0);
  EXPECT_THAT(client.error(), AnyOf(HasSubstr("unknown ca"), HasSubstr("decrypt error")));
}

TEST_F(TlsServerTest, AServersCertificateIsNoClients) {
  const auto server = Start();
  ConnectedClient client(server->port(), As(authority_.Server()));
  EXPECT_EQ(client.Get("/metrics").status, 0);
}

TEST_F(TlsServerTest, WithoutClientCaNobodyIsAskedForACertificate) {
  tls_.client_ca.clear();
  const auto server = Start();
  ConnectedClient client(server->port(), As(authority_.Client("prometheus")));
  EXPECT_EQ(client.Get("/metrics").status, 401);
}

TEST_F(TlsServerTest, ANewCertificateIsForNewConnections) {
  const auto server = Start();
  ConnectedClient old(server->port(), As(authority_.Client("prometheus")));
  EXPECT_EQ(old.Get("/metrics").status, 200);

  const TestCertificate next = authority_.Server();
  WritePair(next);
  EXPECT_TRUE(WaitFor(
      [&] { return ConnectedClient(server->port(), Anonymous()).server_serial() == next.serial; }));
  EXPECT_EQ(old.Get("/metrics").status, 200) << "the old connection goes on";
  EXPECT_EQ(old.server_serial(), pair_.serial);
}

TEST_F(TlsServerTest, ARequestOnAnOldConnectionIsReasonToLookToo) {
  WritePair(authority_.ExpiredServer());
  const auto server = Start();
  const std::int64_t before = credentials_->not_after();
  TlsClientOptions options = As(authority_.Client("prometheus"));
  options.verify = false;
  ConnectedClient client(server->port(), options);
  WritePair(authority_.Server());
  EXPECT_TRUE(WaitFor(
      [&] { return client.Get("/metrics").status == 200 && credentials_->not_after() > before; }));
}

TEST_F(TlsServerTest, ABrokenPairKeepsTheOldOneServed) {
  const auto server = Start();
  WriteFile("tls.crt", authority_.Server().certificate);  // without its key
  EXPECT_TRUE(WaitFor([&] {
    ConnectedClient client(server->port(), Anonymous());
    EXPECT_EQ(client.server_serial(), pair_.serial);
    return Problems() == 1;
  }));
}

TEST_F(TlsServerTest, ASlowHandshakeIsDroppedAndHoldsUpNobody) {
  const auto server = Start({.limits = {.request = std::chrono::milliseconds(300)}});
  ConnectedClient silent(server->port());
  ConnectedClient half(server->port());
  half.Send("\x16\x03\x01");
  EXPECT_EQ(ConnectedClient(server->port(), Anonymous()).Get("/healthz").status, 200);
  EXPECT_TRUE(silent.WaitForEnd());
  EXPECT_TRUE(half.WaitForEnd());
}

TEST_F(TlsServerTest, TellsWhoSpeaksPlainHttp) {
  const auto server = Start();
  const HttpAnswer answer = HttpGet(server->port(), "/metrics");
  EXPECT_EQ(answer.status, 400);
  EXPECT_EQ(answer.body, "this port speaks HTTPS\n");
}

TEST_F(TlsServerTest, RefusesALongHeaderAndABody) {
  const auto server = Start();
  ConnectedClient client(server->port(), Anonymous());
  EXPECT_EQ(client.Get("/healthz", "X: " + std::string(100'000, 'x') + "\r\n").status, 431);
  EXPECT_TRUE(client.WaitForEnd());
  ConnectedClient body(server->port(), Anonymous());
  EXPECT_EQ(body.Get("/healthz", "Content-Length: 3\r\n").status, 413);
  EXPECT_TRUE(body.WaitForEnd());
}

TEST_F(TlsServerTest, GivesALongAnswerWhole) {
  const auto server = Start();
  ConnectedClient client(server->port(), As(authority_.Client("prometheus")));
  EXPECT_EQ(client.Get("/long").body, std::string(5'000'000, 'x'));
}

}  // namespace
}  // namespace nodedevice::testing
