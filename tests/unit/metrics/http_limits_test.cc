// What slow, silent, idle and too many clients get. Small limits, so that what is waited for comes
// soon: that the server closes a connection.

#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "lib/metrics/http_server.h"
#include "tests/support/connected_client.h"
#include "tests/support/http_client.h"
#include "tests/support/wait_for.h"

namespace nodedevice::testing {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

constexpr milliseconds kSoon(50);
constexpr std::chrono::hours kLong(1);  // of the limits that a test is not about

// The text of a page that no socket buffer takes at once.
std::string LongText() { return std::string(32 << 20, 'x'); }

std::unique_ptr<HttpServer> StartWith(const HttpLimits& limits) {
  auto server = HttpServer::Start("127.0.0.1:0",
                                  {{"/healthz", [] { return HttpResponse{.body = "ok\n"}; }},
                                   {"/long", [] { return HttpResponse{.body = LongText()}; }}},
                                  {.limits = limits});
  EXPECT_TRUE(server.ok()) << server.status();
  return server.ok() ? *std::move(server) : nullptr;
}

TEST(HttpLimitsTest, AnswersSeveralRequestsOnOneConnection) {
  const auto server = StartWith({});
  ConnectedClient client(server->port());
  for (int i = 0; i < 3; ++i) {
    const HttpAnswer answer = client.Get("/healthz");
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, "ok\n");
    EXPECT_THAT(answer.head, HasSubstr("Connection: keep-alive\r\n"));
  }
  EXPECT_THAT(client.Get("/healthz", "Connection: close\r\n").head,
              HasSubstr("Connection: close\r\n"));
  EXPECT_TRUE(client.WaitForEnd());
}

TEST(HttpLimitsTest, AnswersRequestsThatComeTogetherInOrder) {
  const auto server = StartWith({});
  ConnectedClient client(server->port());
  client.Send(
      "GET /healthz HTTP/1.1\r\n\r\nGET /nothing HTTP/1.1\r\n\r\nHEAD /healthz HTTP/1.1\r\n"
      "Connection: close\r\n\r\n");
  EXPECT_EQ(client.Receive().status, 200);
  EXPECT_EQ(client.Receive().status, 404);
  EXPECT_TRUE(client.WaitForEnd());
}

TEST(HttpLimitsTest, ASilentClientIsDroppedAndHoldsUpNobody) {
  const auto server = StartWith({.request = kSoon});
  ConnectedClient silent(server->port());
  ConnectedClient slow(server->port());
  slow.Send("GET /hea");
  EXPECT_EQ(HttpGet(server->port(), "/healthz").status, 200);
  EXPECT_TRUE(silent.WaitForEnd());
  EXPECT_TRUE(slow.WaitForEnd());
}

TEST(HttpLimitsTest, AnIdleClientIsDropped) {
  const auto server = StartWith({.write = kLong, .idle = kSoon});
  ConnectedClient client(server->port());
  EXPECT_EQ(client.Get("/healthz").status, 200);
  EXPECT_TRUE(client.WaitForEnd());
}

TEST(HttpLimitsTest, AnIdleClientHasItsTimeForTheNextRequest) {
  const auto server = StartWith({.request = kSoon});
  ConnectedClient client(server->port());
  EXPECT_EQ(client.Get("/healthz").status, 200);
  // Others come and are dropped in the meantime.
  EXPECT_TRUE(ConnectedClient(server->port()).WaitForEnd());
  EXPECT_TRUE(ConnectedClient(server->port()).WaitForEnd());
  EXPECT_EQ(client.Get("/healthz").status, 200);
  client.Send("GET /hea");
  EXPECT_TRUE(client.WaitForEnd()) << "but not for ever for the rest of one";
}

TEST(HttpLimitsTest, AClientThatDoesNotReadIsDropped) {
  const auto server = StartWith({.connections = 1, .answer = kLong, .write = kSoon});
  const std::uint16_t port = server->port();
  ConnectedClient deaf(port);
  deaf.Send("GET /long HTTP/1.1\r\n\r\n");
  EXPECT_TRUE(WaitFor([port] { return HttpGet(port, "/healthz").status == 200; }))
      << "its place is free again";
  EXPECT_EQ(deaf.Receive().status, 0) << "it has only the beginning";
}

TEST(HttpLimitsTest, AClientThatDoesNotReadHoldsUpNobody) {
  const auto server = StartWith({});
  ConnectedClient deaf(server->port());
  deaf.Send("GET /long HTTP/1.1\r\n\r\n");
  EXPECT_EQ(HttpGet(server->port(), "/healthz").status, 200);
}

TEST(HttpLimitsTest, ARefusedClientMayGoOnSending) {
  const auto server = StartWith({});
  ConnectedClient client(server->port());
  client.Send("GET /healthz HTTP/1.1\r\nContent-Length: 100000\r\n\r\n" +
              std::string(100'000, 'x'));
  EXPECT_EQ(client.Receive().status, 413);
  EXPECT_TRUE(client.WaitForEnd());
  EXPECT_FALSE(client.WasReset()) << "that could have come before the answer was read";
}

TEST(HttpLimitsTest, OneConnectionTooManyIsClosedAtOnce) {
  const auto server = StartWith({});
  const std::size_t limit = HttpLimits{}.connections;
  EXPECT_EQ(limit, 64u);
  std::vector<ConnectedClient> clients;
  for (std::size_t i = 0; i < limit; ++i) clients.emplace_back(server->port());
  EXPECT_TRUE(ConnectedClient(server->port()).WaitForEnd());
  EXPECT_EQ(clients.front().Get("/healthz", "Connection: close\r\n").status, 200);
  EXPECT_TRUE(clients.front().WaitForEnd());
  const std::uint16_t port = server->port();
  EXPECT_TRUE(WaitFor([port] { return HttpGet(port, "/healthz").status == 200; }))
      << "there is room again";
}

TEST(HttpLimitsTest, WhoIsIdleLongestGivesWayToANewClient) {
  const auto server = StartWith({.connections = 3});
  ConnectedClient busy(server->port());
  ConnectedClient first(server->port());
  ConnectedClient second(server->port());
  EXPECT_EQ(first.Get("/healthz").status, 200);
  EXPECT_EQ(second.Get("/healthz").status, 200);
  ConnectedClient fresh(server->port());
  EXPECT_EQ(fresh.Get("/healthz").status, 200);
  EXPECT_TRUE(first.WaitForEnd());
  EXPECT_EQ(second.Get("/healthz").status, 200);
  EXPECT_EQ(busy.Get("/healthz").status, 200);
}

TEST(HttpLimitsTest, TheEndOfTheServerWaitsForNoSilentClient) {
  auto server = StartWith({});
  ConnectedClient silent(server->port());
  ConnectedClient idle(server->port());
  EXPECT_EQ(idle.Get("/healthz").status, 200);
  server.reset();
  EXPECT_TRUE(silent.WaitForEnd());
  EXPECT_TRUE(idle.WaitForEnd());
}

TEST(HttpLimitsTest, TheEndOfTheServerWaitsAMomentForAClientThatReads) {
  auto server = StartWith({.farewell = std::chrono::minutes(1)});
  ConnectedClient client(server->port());
  client.Send("GET /long HTTP/1.1\r\n\r\n");
  std::thread reader([&client] { EXPECT_EQ(client.Receive().body.size(), LongText().size()); });
  EXPECT_EQ(HttpGet(server->port(), "/healthz").status, 200) << "the request has been read";
  server.reset();
  reader.join();
}

TEST(HttpLimitsTest, TheEndOfTheServerWaitsNotForEver) {
  auto server = StartWith({.farewell = kSoon});
  ConnectedClient deaf(server->port());
  deaf.Send("GET /long HTTP/1.1\r\n\r\n");
  EXPECT_EQ(HttpGet(server->port(), "/healthz").status, 200) << "the request has been read";
  server.reset();
  EXPECT_TRUE(deaf.WaitForEnd());
}

}  // namespace
}  // namespace nodedevice::testing
