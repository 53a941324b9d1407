#include "lib/metrics/http_request.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace nodedevice::testing {
namespace {

HttpRequest Request(std::string_view bytes) {
  const auto parsed = ParseHttpRequest(bytes);
  const HttpRequest* request = std::get_if<HttpRequest>(&parsed);
  EXPECT_NE(request, nullptr) << bytes;
  return request ? *request : HttpRequest{};
}

int Refusal(std::string_view bytes) {
  const auto parsed = ParseHttpRequest(bytes);
  const HttpResponse* refusal = std::get_if<HttpResponse>(&parsed);
  return refusal ? refusal->status : 0;
}

bool NeedsMore(std::string_view bytes) {
  return std::holds_alternative<HttpNeedsMore>(ParseHttpRequest(bytes));
}

std::string GetWith(const std::string& headers) {
  return "GET /metrics HTTP/1.1\r\nHost: localhost\r\n" + headers + "\r\n";
}

TEST(HttpRequestTest, ReadsMethodPathAndSize) {
  const std::string text = GetWith("");
  const HttpRequest request = Request(text + "GET /next HTTP/1.1\r\n");
  EXPECT_EQ(request.method, "GET");
  EXPECT_EQ(request.path, "/metrics");
  EXPECT_EQ(request.size, text.size());
  EXPECT_EQ(request.bearer_token, std::nullopt);
}

TEST(HttpRequestTest, WaitsForTheWholeHeader) {
  const std::string text = GetWith("Accept: text/plain\r\n");
  for (std::size_t size = 0; size < text.size(); ++size) {
    EXPECT_TRUE(NeedsMore(text.substr(0, size))) << size;
  }
}

TEST(HttpRequestTest, ThePathIsWithoutQueryAndHost) {
  EXPECT_EQ(Request("GET /healthz?verbose=1 HTTP/1.1\r\n\r\n").path, "/healthz");
  EXPECT_EQ(Request("GET http://node:9807/metrics?x HTTP/1.1\r\n\r\n").path, "/metrics");
  EXPECT_EQ(Request("GET https://node:9807 HTTP/1.1\r\n\r\n").path, "/");
  EXPECT_EQ(Request("GET /a?b=http://c/ HTTP/1.1\r\n\r\n").path, "/a");
}

TEST(HttpRequestTest, KnowsWhetherTheClientStays) {
  EXPECT_TRUE(Request(GetWith("")).keep_alive);
  EXPECT_FALSE(Request(GetWith("Connection: close\r\n")).keep_alive);
  EXPECT_FALSE(Request("GET / HTTP/1.0\r\n\r\n").keep_alive);
  EXPECT_TRUE(Request("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").keep_alive);
}

TEST(HttpRequestTest, FindsTheBearerToken) {
  EXPECT_EQ(Request(GetWith("Authorization: Bearer abc.def\r\n")).bearer_token, "abc.def");
  EXPECT_EQ(Request(GetWith("authorization: bearer  abc \r\n")).bearer_token, "abc");
  EXPECT_EQ(Request(GetWith("Authorization: Bearer \r\n")).bearer_token, std::nullopt);
  EXPECT_EQ(Request(GetWith("Authorization: Basic abc\r\n")).bearer_token, std::nullopt);
}

TEST(HttpRequestTest, RefusesTwoAuthorizations) {
  EXPECT_EQ(Refusal(GetWith("Authorization: Bearer a\r\nAuthorization: Bearer b\r\n")), 400);
}

TEST(HttpRequestTest, RefusesWhatIsNotHttp) {
  EXPECT_EQ(Refusal("\r\n\r\n"), 400);
  EXPECT_EQ(Refusal("hello\r\n\r\n"), 400);
  EXPECT_EQ(Refusal("GET  / HTTP/1.1\r\n\r\n"), 400);
  EXPECT_EQ(Refusal("GET / HTTP/3.0\r\n\r\n"), 400);
  EXPECT_EQ(Refusal(GetWith("no colon\r\n")), 400);
}

TEST(HttpRequestTest, RefusesABody) {
  EXPECT_EQ(Refusal(GetWith("Content-Length: 5\r\n") + "hello"), 413);
  EXPECT_EQ(Refusal(GetWith("Transfer-Encoding: chunked\r\n")), 413);
  EXPECT_EQ(Request(GetWith("Content-Length: 0\r\n")).path, "/metrics");
}

TEST(HttpRequestTest, RefusesALongHeader) {
  const std::size_t empty = GetWith("X: \r\n").size();
  const std::string longest(kHttpHeaderLimit - empty, 'x');
  EXPECT_EQ(Request(GetWith("X: " + longest + "\r\n")).size, kHttpHeaderLimit);
  EXPECT_EQ(Refusal(GetWith("X: " + longest + "x\r\n")), 431);
  EXPECT_EQ(Refusal(std::string(kHttpHeaderLimit, 'x')), 431);
  EXPECT_TRUE(NeedsMore(std::string(kHttpHeaderLimit - 1, 'x')));
}

}  // namespace
}  // namespace nodedevice::testing
