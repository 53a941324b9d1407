// The server over TLS, to clients with a bearer token.

#include <mutex>
#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/metrics/tls_server_fixture.h"

namespace nodedevice::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// Stands for the Kubernetes API: keeps what it was asked until it is told to answer.
class FakeReviewer {
 public:
  TokenReviewer reviewer() {
    return [this](std::string token, std::function<void(absl::StatusOr<TokenVerdict>)> done) {
      const std::lock_guard<std::mutex> lock(mutex_);
      asked_.push_back(std::move(token));
      waiting_.push_back(std::move(done));
    };
  }

  std::vector<std::string> asked() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return asked_;
  }
  bool WaitForReviews(std::size_t count) const {
    return WaitFor([this, count] { return asked().size() >= count; });
  }
  // Answers everything that it was asked so far, from the calling thread.
  void Answer(const absl::StatusOr<TokenVerdict>& verdict) {
    std::vector<std::function<void(absl::StatusOr<TokenVerdict>)>> waiting;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      waiting.swap(waiting_);
    }
    for (const auto& done : waiting) done(verdict);
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> asked_;
  std::vector<std::function<void(absl::StatusOr<TokenVerdict>)>> waiting_;
};

// Answers at once, on the server's thread.
TokenReviewer Always(const absl::StatusOr<TokenVerdict>& verdict) {
  return
      [verdict](const std::string&, const std::function<void(absl::StatusOr<TokenVerdict>)>& done) {
        done(verdict);
      };
}

std::string Bearer(const std::string& token) { return "Authorization: Bearer " + token + "\r\n"; }

const TokenVerdict kGranted = {.authenticated = true, .allowed = true, .user = "prometheus"};

class TokenAccessTest : public TlsServerFixture {
 protected:
  HttpAnswer GetWith(const HttpServer& server, const std::string& token) {
    return ConnectedClient(server.port(), Anonymous()).Get("/metrics", Bearer(token));
  }
};

TEST_F(TokenAccessTest, WithoutAReviewerNoTokenIsGood) {
  const auto server = Start();
  const HttpAnswer answer = GetWith(*server, "token");
  EXPECT_EQ(answer.status, 401);
  EXPECT_THAT(answer.head, HasSubstr("WWW-Authenticate: Bearer\r\n"));
}

TEST_F(TokenAccessTest, TheVerdictDecides) {
  EXPECT_EQ(GetWith(*Start({.review = Always(kGranted)}), "a").status, 200);
  EXPECT_EQ(GetWith(*Start({.review = Always(TokenVerdict{})}), "a").status, 401);
  const HttpAnswer denied =
      GetWith(*Start({.review = Always(TokenVerdict{.authenticated = true, .user = "bob"})}), "a");
  EXPECT_EQ(denied.status, 403);
  EXPECT_THAT(denied.body, StartsWith("bob may not read this"));
}

TEST_F(TokenAccessTest, AFailedReviewLetsNobodyInAndSaysWhy) {
  const auto server = Start({.review = Always(absl::UnavailableError("connection refused"))});
  const HttpAnswer answer = GetWith(*server, "a");
  EXPECT_EQ(answer.status, 503);
  EXPECT_THAT(answer.body, HasSubstr("connection refused"));
}

TEST_F(TokenAccessTest, AReviewerThatThrowsIsAFailedReview) {
  const auto server = Start(
      {.review = [](const std::string&, const auto&) { throw std::runtime_error("out of luck"); }});
  EXPECT_EQ(GetWith(*server, "a").status, 503);
  EXPECT_EQ(GetWith(*server, "a").status, 503);
}

TEST_F(TokenAccessTest, AKnownTokenIsNotReviewedAgain) {
  FakeReviewer api;
  const auto server = Start({.review = api.reviewer()});
  ConnectedClient client(server->port(), Anonymous());
  client.Send("GET /metrics HTTP/1.1\r\n" + Bearer("secret") + "\r\n");
  ASSERT_TRUE(api.WaitForReviews(1));
  api.Answer(kGranted);
  EXPECT_EQ(client.Receive().status, 200);
  EXPECT_EQ(client.Get("/metrics", Bearer("secret")).status, 200);
  EXPECT_EQ(GetWith(*server, "secret").status, 200);
  EXPECT_THAT(api.asked(), ElementsAre("secret"));
}

TEST_F(TokenAccessTest, RequestsWithOneTokenShareOneReview) {
  FakeReviewer api;
  const auto server = Start({.review = api.reviewer()});
  std::vector<ConnectedClient> clients;
  for (int i = 0; i < 3; ++i) {
    clients.emplace_back(server->port(), Anonymous());
    clients.back().Send("GET /metrics HTTP/1.1\r\n" + Bearer("shared") + "\r\n");
    // The server reads in order: an answer to a later client tells that this one was read.
    EXPECT_EQ(ConnectedClient(server->port(), Anonymous()).Get("/healthz").status, 200);
  }
  ASSERT_TRUE(api.WaitForReviews(1));
  std::thread other_thread([&api] { api.Answer(kGranted); });
  for (ConnectedClient& client : clients) EXPECT_EQ(client.Receive().status, 200);
  other_thread.join();
  EXPECT_THAT(api.asked(), ElementsAre("shared"));
}

TEST_F(TokenAccessTest, ASlowReviewHoldsUpNobodyAndEndsWithAnError) {
  FakeReviewer api;
  const auto server =
      Start({.review = api.reviewer(), .limits = {.answer = std::chrono::milliseconds(300)}});
  ConnectedClient waiting(server->port(), Anonymous());
  waiting.Send("GET /metrics HTTP/1.1\r\n" + Bearer("slow") + "\r\n");
  ASSERT_TRUE(api.WaitForReviews(1));
  EXPECT_EQ(ConnectedClient(server->port(), Anonymous()).Get("/healthz").status, 200);
  const HttpAnswer answer = waiting.Receive();
  EXPECT_EQ(answer.status, 503);
  EXPECT_THAT(answer.body, HasSubstr("did not answer in time"));
  api.Answer(kGranted);
  EXPECT_EQ(GetWith(*server, "slow").status, 200) << "what came late is known now";
}

TEST_F(TokenAccessTest, ATokenIsNeededForNoProbe) {
  FakeReviewer api;
  const auto server = Start({.review = api.reviewer()});
  ConnectedClient client(server->port(), Anonymous());
  EXPECT_EQ(client.Get("/healthz", Bearer("anything")).status, 200);
  EXPECT_THAT(api.asked(), ::testing::IsEmpty());
}

TEST_F(TokenAccessTest, AReviewMayEndAfterTheServer) {
  FakeReviewer api;
  auto server =
      Start({.review = api.reviewer(), .limits = {.farewell = std::chrono::milliseconds(50)}});
  ConnectedClient client(server->port(), Anonymous());
  client.Send("GET /metrics HTTP/1.1\r\n" + Bearer("late") + "\r\n");
  ASSERT_TRUE(api.WaitForReviews(1));
  server.reset();
  EXPECT_TRUE(client.WaitForEnd());
  api.Answer(kGranted);
}

}  // namespace
}  // namespace nodedevice::testing
