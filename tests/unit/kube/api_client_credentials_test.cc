// How the client proves who it is, and whom it believes.

#include <stdlib.h>

#include "lib/kube/api_client.h"
#include "tests/unit/kube/api_client_fixture.h"

namespace nodedevice::testing {
namespace {

using ::testing::EndsWith;

class ApiClientCredentialsTest : public ApiClientFixture {
 protected:
  // Lets in whoever has this token.
  std::unique_ptr<ScriptedApiServer> ServeToBearerOf(const std::string& token) {
    return Serve([token](const ApiRequest& request, Connection& connection) {
      connection.Send(request.Header("authorization") == "Bearer " + token
                          ? HttpAnswerOf("200 OK", "{}")
                          : HttpAnswerOf("401 Unauthorized", R"({"kind":"Status","code":401})"));
    });
  }
};

TEST_F(ApiClientCredentialsTest, ATokenIsReadFromItsFileWithoutItsLineEnd) {
  const auto server = ServeToBearerOf("from-file");
  ClusterAccess access = AccessTo(*server);
  access.token_file = dir_.Write("token", "from-file\r\n");
  EXPECT_TRUE(Client(access)->Get("/x").ok());
}

TEST_F(ApiClientCredentialsTest, ATokenThatWasRefusedIsReadAgainAtOnceAndTriedOnceMore) {
  const auto server = ServeToBearerOf("new");
  ClusterAccess access = AccessTo(*server);
  access.token_file = dir_.Write("token", "old");
  const auto client = Client(access);
  dir_.Write("token", "new");
  EXPECT_TRUE(client->Get("/x").ok());
  ASSERT_EQ(server->requests().size(), 2u);
  EXPECT_EQ(server->requests()[0].Header("authorization"), "Bearer old");
}

TEST_F(ApiClientCredentialsTest, ATokenThatIsRefusedTwiceIsAnError) {
  const auto server = ServeToBearerOf("another");
  const absl::Status status = Client(*server)->Get("/x").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnauthenticated);
  EXPECT_EQ(server->requests().size(), 2u);
}

TEST_F(ApiClientCredentialsTest, AWatchThatWasRefusedMakesTheNextOneReadTheTokenAgain) {
  const auto server = ServeToBearerOf("new");
  ClusterAccess access = AccessTo(*server);
  access.token_file = dir_.Write("token", "old");
  const auto client = Client(access);
  dir_.Write("token", "new");
  Heard refused;
  const auto first = client->Watch("/x", "", "1", std::chrono::seconds(300), refused.callbacks());
  EXPECT_TRUE(absl::IsUnauthenticated(refused.WaitForEnd()));
  Heard heard;
  const auto second = client->Watch("/x", "", "1", std::chrono::seconds(300), heard.callbacks());
  EXPECT_TRUE(heard.WaitForEnd().ok());
}

TEST_F(ApiClientCredentialsTest, WithoutATokenNothingIsSaidOfOne) {
  const auto server = Serve(HttpAnswerOf("200 OK", "{}"));
  ClusterAccess access = AccessTo(*server);
  access.token = "";
  EXPECT_TRUE(Client(access)->Get("/x").ok());
  EXPECT_EQ(server->requests()[0].Header("authorization"), "");
}

TEST_F(ApiClientCredentialsTest, AClientCertificateIsShown) {
  const TestCertificate own = authority_.Client("system:node:n1");
  const auto server =
      Serve([](const ApiRequest&,
               Connection& connection) { connection.Send(HttpAnswerOf("200 OK", "{}")); },
            {.client_ca = authority_.pem()});
  ClusterAccess access = AccessTo(*server);
  access.client_certificate = own.certificate;
  access.client_key_file = dir_.Write("key.pem", own.key);
  EXPECT_TRUE(Client(access)->Get("/x").ok());
  EXPECT_EQ(server->requests()[0].client_name, "system:node:n1");
}

TEST_F(ApiClientCredentialsTest, ACertificateThatCannotBeUsedIsNotShown) {
  const auto server = Serve(HttpAnswerOf("200 OK", "{}"));
  ClusterAccess access = AccessTo(*server);
  access.client_certificate = "not PEM";
  access.client_key = "neither";
  EXPECT_TRUE(Client(access)->Get("/x").ok()) << "this server asks for none";
}

TEST_F(ApiClientCredentialsTest, AServerOfAnotherAuthorityIsNotBelieved) {
  const auto server = Serve(HttpAnswerOf("200 OK", "{}"));
  const TestAuthority other("another");
  for (const std::string& ca : {other.pem(), std::string("not PEM")}) {
    ClusterAccess access = AccessTo(*server);
    access.ca = ca;
    EXPECT_EQ(Client(access)->Get("/x").status().code(), absl::StatusCode::kUnavailable);
  }
  EXPECT_TRUE(server->requests().empty()) << "a stranger must not see the token";
}

TEST_F(ApiClientCredentialsTest, TheMachinesAuthoritiesAreNotBelievedWhenTheClustersIsKnown) {
  const TestAuthority other("another");
  const auto server = Serve(HttpAnswerOf("200 OK", "{}"));
  ASSERT_EQ(::setenv("SSL_CERT_FILE", dir_.Write("ca.pem", authority_.pem()).c_str(), 1), 0);
  ClusterAccess access = AccessTo(*server);
  access.ca = other.pem();
  EXPECT_EQ(Client(access)->Get("/x").status().code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(server->requests().empty());
  access.ca = "";
  EXPECT_TRUE(Client(access)->Get("/x").ok()) << "but they are when it is not";
}

TEST_F(ApiClientCredentialsTest, AServerOfAnotherNameIsNotBelieved) {
  const TestCertificate wrong = authority_.ServerNamed("DNS:elsewhere.example");
  const ScriptedApiServer server(wrong, [](const ApiRequest&, Connection& connection) {
    connection.Send(HttpAnswerOf("200 OK", "{}"));
  });
  const absl::Status status = Client(server)->Get("/x").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), EndsWith(": the certificate is for another name"));
  EXPECT_TRUE(server.requests().empty());
}

TEST_F(ApiClientCredentialsTest, ACertificateThatHasExpiredIsToldApartFromAStrangersOne) {
  const auto problem = [this](const TestCertificate& certificate) {
    const ScriptedApiServer server(certificate, [](const ApiRequest&, Connection& connection) {
      connection.Send(HttpAnswerOf("200 OK", "{}"));
    });
    const auto client = Client(server);
    const std::string request(client->Get("/x").status().message());
    Heard heard;
    const auto watch = client->Watch("/x", "", "1", std::chrono::seconds(300), heard.callbacks());
    const std::string stream(heard.WaitForEnd().message());
    EXPECT_EQ(request.substr(request.rfind(": ")), stream.substr(stream.rfind(": ")));
    return request;
  };
  EXPECT_THAT(problem(authority_.ExpiredServer()), EndsWith(": certificate has expired"));
  EXPECT_THAT(problem(TestAuthority("another").Server()),
              EndsWith(": unable to get local issuer certificate"));
}

TEST_F(ApiClientCredentialsTest, CredentialsThatCannotBeReadFailAtTheStart) {
  const auto client = ApiClient::Create(
      {.server = "https://localhost", .ca_file = dir_.path() / "missing"}, Settings());
  EXPECT_EQ(client.status().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace nodedevice::testing
