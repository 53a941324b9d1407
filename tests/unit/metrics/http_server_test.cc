#include "lib/metrics/http_server.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/http_client.h"

namespace nodedevice::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

std::unique_ptr<HttpServer> StartOnAnyPort() {
  auto server = HttpServer::Start(
      "127.0.0.1:0",
      {{"/", [] { return HttpResponse{.content_type = "text/html", .body = "<p>page"}; }},
       {"/healthz", [] { return HttpResponse{.body = "ok\n"}; }},
       {"/readyz", [] { return HttpResponse{.status = 503, .body = "not yet\n"}; }},
       {"/throws", []() -> HttpResponse { throw std::runtime_error("out of luck"); }}});
  EXPECT_TRUE(server.ok()) << server.status();
  return server.ok() ? *std::move(server) : nullptr;
}

TEST(HttpServerTest, AnswersARegisteredPath) {
  const auto server = StartOnAnyPort();
  const HttpAnswer answer = HttpGet(server->port(), "/healthz");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "ok\n");
  EXPECT_THAT(answer.head,
              AllOf(HasSubstr("Content-Type: text/plain; charset=utf-8\r\n"),
                    HasSubstr("Content-Length: 3\r\n"), HasSubstr("Cache-Control: no-store\r\n")));
}

TEST(HttpServerTest, ReportsThePortThatWasFound) {
  const auto server = StartOnAnyPort();
  EXPECT_NE(server->port(), 0);
  EXPECT_EQ(server->address(), absl::StrCat("127.0.0.1:", server->port()));
}

TEST(HttpServerTest, GivesTheHandlersStatus) {
  const auto server = StartOnAnyPort();
  const HttpAnswer answer = HttpGet(server->port(), "/readyz");
  EXPECT_EQ(answer.status, 503);
  EXPECT_THAT(answer.head, StartsWith("HTTP/1.1 503 Service Unavailable\r\n"));
}

TEST(HttpServerTest, AnswersHeadWithoutABody) {
  const auto server = StartOnAnyPort();
  const HttpAnswer answer = HttpGet(server->port(), "/healthz", "HEAD");
  EXPECT_EQ(answer.status, 200);
  EXPECT_THAT(answer.head, HasSubstr("Content-Length: 3\r\n"));
  EXPECT_THAT(answer.body, IsEmpty());
}

TEST(HttpServerTest, IgnoresAQuery) {
  const auto server = StartOnAnyPort();
  EXPECT_EQ(HttpGet(server->port(), "/healthz?verbose=1").status, 200);
}

TEST(HttpServerTest, KnowsNoOtherPath) {
  const auto server = StartOnAnyPort();
  for (const char* path : {"/nothing", "/healthz/", "/healthz/more", "/../etc/passwd"}) {
    EXPECT_EQ(HttpGet(server->port(), path).status, 404) << path;
  }
}

TEST(HttpServerTest, RefusesOtherMethods) {
  const auto server = StartOnAnyPort();
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "PATCH"}) {
    const HttpAnswer answer = HttpGet(server->port(), "/healthz", method);
    EXPECT_EQ(answer.status, 405) << method;
    EXPECT_THAT(answer.head, HasSubstr("Allow: GET, HEAD\r\n")) << method;
  }
}

TEST(HttpServerTest, RefusesABody) {
  const auto server = StartOnAnyPort();
  const HttpAnswer answer = SendHttp(
      server->port(), "GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello");
  EXPECT_EQ(answer.status, 413);
  EXPECT_THAT(answer.head, HasSubstr("Connection: close\r\n"));
}

TEST(HttpServerTest, CutsOffEndlessHeaders) {
  const auto server = StartOnAnyPort();
  const HttpAnswer answer = SendHttp(
      server->port(),
      "GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: " + std::string(100'000, 'x') + "\r\n\r\n");
  EXPECT_EQ(answer.status, 431);
  EXPECT_EQ(HttpGet(server->port(), "/healthz").status, 200) << "and serves the next one";
}

TEST(HttpServerTest, SurvivesBytesThatAreNotHttp) {
  const auto server = StartOnAnyPort();
  EXPECT_EQ(SendHttp(server->port(), std::string("\x16\x03\x01\0\xff\r\n\r\n", 9)).status, 400);
  EXPECT_EQ(HttpGet(server->port(), "/healthz").status, 200);
}

TEST(HttpServerTest, TurnsAnExceptionIntoAnError) {
  const auto server = StartOnAnyPort();
  const HttpAnswer answer = HttpGet(server->port(), "/throws");
  EXPECT_EQ(answer.status, 500);
  EXPECT_EQ(answer.body, "out of luck\n");
}

TEST(HttpServerTest, LetsAPageRunNoScript) {
  const auto server = StartOnAnyPort();
  EXPECT_THAT(HttpGet(server->port(), "/").head,
              HasSubstr("Content-Security-Policy: default-src 'none'"));
  EXPECT_THAT(HttpGet(server->port(), "/healthz").head, Not(HasSubstr("Content-Security-Policy")));
}

TEST(HttpServerTest, SaysThatThePortIsInUse) {
  const auto server = StartOnAnyPort();
  const auto second = HttpServer::Start(server->address(), {});
  ASSERT_FALSE(second.ok());
  EXPECT_THAT(std::string(second.status().message()),
              AllOf(StartsWith("--listen " + server->address()), HasSubstr("in use")));
}

TEST(HttpServerTest, FreesItsPortAtTheEnd) {
  auto server = StartOnAnyPort();
  const std::string address = server->address();
  server.reset();
  EXPECT_TRUE(HttpServer::Start(address, {}).ok());
}

TEST(HttpServerTest, RefusesToServePlainHttpToOthers) {
  for (const char* listen : {"0.0.0.0:9807", "192.0.2.1:9807", "[::]:9807"}) {
    const auto server = HttpServer::Start(listen, {});
    ASSERT_FALSE(server.ok()) << listen;
    EXPECT_EQ(std::string(server.status().message()),
              absl::StrCat("--listen ", listen, ": plain HTTP is served on loopback only"));
  }
}

}  // namespace
}  // namespace nodedevice::testing
