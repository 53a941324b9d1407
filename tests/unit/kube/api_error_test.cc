#include "lib/kube/api_error.h"

#include "gtest/gtest.h"
#include "lib/base/utf8.h"
#include "nlohmann/json.hpp"

namespace nodedevice {
namespace {

using std::chrono::seconds;
using Json = nlohmann::json;

std::string StatusObject(const std::string& reason, const std::string& message,
                         const Json& details = Json::object()) {
  return Json({{"kind", "Status"}, {"reason", reason}, {"message", message}, {"details", details}})
      .dump();
}

TEST(ApiErrorTest, TheCodeFollowsTheHttpStatus) {
  struct Case {
    int http_status;
    const char* reason;
    absl::StatusCode code;
  };
  for (const Case& c : std::initializer_list<Case>{
           {400, "BadRequest", absl::StatusCode::kInvalidArgument},
           {401, "Unauthorized", absl::StatusCode::kUnauthenticated},
           {403, "Forbidden", absl::StatusCode::kPermissionDenied},
           {404, "NotFound", absl::StatusCode::kNotFound},
           {409, "Conflict", absl::StatusCode::kAborted},
           {409, "AlreadyExists", absl::StatusCode::kAlreadyExists},
           {410, "Expired", absl::StatusCode::kOutOfRange},
           {422, "Invalid", absl::StatusCode::kInvalidArgument},
           {429, "TooManyRequests", absl::StatusCode::kResourceExhausted},
           {500, "InternalError", absl::StatusCode::kUnavailable},
           {503, "ServiceUnavailable", absl::StatusCode::kUnavailable},
           {504, "Timeout", absl::StatusCode::kUnavailable},
           {302, "", absl::StatusCode::kInvalidArgument},
       }) {
    const absl::Status status = ErrorOfAnswer("GET /x", c.http_status, StatusObject(c.reason, "m"));
    EXPECT_EQ(status.code(), c.code) << c.http_status << c.reason;
    ASSERT_TRUE(ApiErrorOf(status));
    EXPECT_EQ(ApiErrorOf(status)->http_status, c.http_status);
    EXPECT_EQ(ApiErrorOf(status)->reason, c.reason);
    EXPECT_FALSE(ApiErrorOf(status)->retry_after);
  }
}

TEST(ApiErrorTest, TheMessageNamesTheRequestAndWhatWasSaid) {
  EXPECT_EQ(
      ErrorOfAnswer("GET /x", 404, StatusObject("NotFound", "nodes \"n1\" not found")).message(),
      "GET /x: 404 NotFound: nodes \"n1\" not found");
  EXPECT_EQ(ErrorOfAnswer("GET /x", 502, "").message(), "GET /x: 502");
}

TEST(ApiErrorTest, AnAnswerThatIsNoStatusIsShownByItsFirstLine) {
  EXPECT_EQ(ErrorOfAnswer("GET /x", 502, "Bad gateway\r\n<html>").message(),
            "GET /x: 502: Bad gateway");
  EXPECT_EQ(ErrorOfAnswer("GET /x", 502, R"({"kind":"Pod"})").message(),
            R"(GET /x: 502: {"kind":"Pod"})");
  for (const char* body : {"[]", "null", "{", "\"text\"", R"({"kind":7})"}) {
    const absl::Status status = ErrorOfAnswer("GET /x", 500, body);
    EXPECT_EQ(status.message(), absl::StrCat("GET /x: 500: ", body));
    EXPECT_EQ(ApiErrorOf(status)->reason, "");
  }
}

TEST(ApiErrorTest, FieldsOfTheWrongTypeAreLeftOut) {
  const absl::Status status = ErrorOfAnswer(
      "GET /x", 500,
      R"({"kind":"Status","reason":1,"message":[],"code":"x","details":[{"retryAfterSeconds":1}]})");
  EXPECT_EQ(status.message(), "GET /x: 500");
  EXPECT_FALSE(ApiErrorOf(status)->retry_after);
}

TEST(ApiErrorTest, RetryAfterComesFromTheHeaderOrTheDetails) {
  const auto after = [](const std::string& body, const std::string& header) {
    return ApiErrorOf(ErrorOfAnswer("GET /x", 429, body, header))->retry_after;
  };
  const std::string three = StatusObject("TooManyRequests", "m", {{"retryAfterSeconds", 3}});
  EXPECT_EQ(after(three, ""), seconds(3));
  EXPECT_EQ(after(three, "5"), seconds(5)) << "the header wins";
  EXPECT_EQ(after("", "5"), seconds(5));
  EXPECT_EQ(after(three, "Wed, 21 Oct 2026 07:28:00 GMT"), seconds(3));
  EXPECT_EQ(after("", "999999999999"), std::chrono::hours(1)) << "nobody stops us for ever";
  EXPECT_EQ(after("", "99999999999999999999999"), std::nullopt);
  EXPECT_EQ(after("", "-1"), std::nullopt);
  EXPECT_EQ(after("", "0"), std::nullopt);
  EXPECT_EQ(after("", "1.5"), std::nullopt);
  EXPECT_EQ(after(StatusObject("", "", {{"retryAfterSeconds", -3}}), ""), std::nullopt);
  EXPECT_EQ(after(StatusObject("", "", {{"retryAfterSeconds", 1e30}}), ""), std::nullopt);
  EXPECT_EQ(after(StatusObject("", "", {{"retryAfterSeconds", 18446744073709551615u}}), ""),
            std::nullopt);
}

TEST(ApiErrorTest, HugeTextsAreCutAtACharacter) {
  std::string umlauts;
  for (int i = 0; i < 100'000; ++i) umlauts += "\xC3\xA4";
  for (const std::string& body :
       {StatusObject("Invalid", "x" + umlauts), StatusObject("x" + umlauts, "m"), "x" + umlauts}) {
    const absl::Status status = ErrorOfAnswer("GET /x", 422, body);
    EXPECT_LT(status.message().size(), 2000u);
    EXPECT_EQ(FindInvalidUtf8(std::string(status.message())), std::string_view::npos);
    EXPECT_LT(ApiErrorOf(status)->reason.size(), 1000u);
    EXPECT_EQ(FindInvalidUtf8(ApiErrorOf(status)->reason), std::string_view::npos);
  }
}

TEST(ApiErrorTest, BytesThatAreNotUtf8EndTheMessage) {
  EXPECT_EQ(ErrorOfAnswer("GET /x", 502, "bad \xFF gateway").message(), "GET /x: 502: bad ");
  EXPECT_EQ(ErrorOfAnswer("GET /x", 502, "\xFF").message(), "GET /x: 502");
}

TEST(ApiErrorTest, AReasonMayHaveSpaces) {
  EXPECT_EQ(ApiErrorOf(ErrorOfAnswer("GET /x", 500, StatusObject("a b  c", "m"), "4"))->reason,
            "a b  c");
}

TEST(ApiErrorTest, AnErrorFrameBringsItsOwnCode) {
  const absl::Status status = ErrorOfStatusObject(
      "watch",
      Json::parse(R"({"kind":"Status","code":410,"reason":"Expired","message":"too old"})"));
  EXPECT_EQ(status.code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(status.message(), "watch: 410 Expired: too old");
  for (const char* code :
       {"0", "-1", "1000", "99999999999", "18446744073709551615", "1.5", "null"}) {
    const absl::Status odd = ErrorOfStatusObject(
        "watch", Json::parse(absl::StrCat(R"({"kind":"Status","code":)", code, "}")));
    EXPECT_EQ(ApiErrorOf(odd)->http_status, 500) << code;
    EXPECT_EQ(odd.code(), absl::StatusCode::kUnavailable);
  }
}

TEST(ApiErrorTest, AnErrorThatNoServerSaidHasNone) {
  EXPECT_FALSE(ApiErrorOf(absl::OkStatus()));
  EXPECT_FALSE(ApiErrorOf(absl::NotFoundError("file")));
}

TEST(ApiErrorTest, WhatIsExpired) {
  EXPECT_TRUE(IsExpired(ErrorOfAnswer("w", 410, StatusObject("Expired", "m"))));
  EXPECT_TRUE(IsExpired(ErrorOfAnswer("w", 410, StatusObject("Gone", "m"))));
  EXPECT_TRUE(IsExpired(ErrorOfAnswer("w", 410, "")));
  EXPECT_TRUE(IsExpired(ErrorOfAnswer(
      "w", 504, StatusObject("Timeout", "Too large resource version: 9, current: 5"))));
  EXPECT_FALSE(IsExpired(ErrorOfAnswer("w", 504, StatusObject("Timeout", "request timed out"))));
  EXPECT_FALSE(IsExpired(ErrorOfAnswer("w", 500, StatusObject("", "Too large resource version"))));
  EXPECT_FALSE(IsExpired(ErrorOfAnswer("w", 404, StatusObject("NotFound", "m"))));
  EXPECT_FALSE(IsExpired(absl::OutOfRangeError("410")));
  EXPECT_FALSE(IsExpired(absl::OkStatus()));
}

}  // namespace
}  // namespace nodedevice
