#include "lib/kube/api_error.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/string_view.h"
#include "lib/base/utf8.h"
#include "lib/kube/object_fields.h"

namespace nodedevice {
namespace {

using Json = nlohmann::json;

constexpr absl::string_view kPayload = "nodedevices.io/api-error";
constexpr std::size_t kMaxMessage = 1024;
constexpr std::size_t kMaxReason = 128;
constexpr std::int64_t kMaxRetryAfterSeconds = 3600;

absl::StatusCode CodeOf(int http_status, std::string_view reason) {
  switch (http_status) {
    case 401:
      return absl::StatusCode::kUnauthenticated;
    case 403:
      return absl::StatusCode::kPermissionDenied;
    case 404:
      return absl::StatusCode::kNotFound;
    case 409:
      return reason == "AlreadyExists" ? absl::StatusCode::kAlreadyExists
                                       : absl::StatusCode::kAborted;
    case 410:
      return absl::StatusCode::kOutOfRange;
    case 429:
      return absl::StatusCode::kResourceExhausted;
    default:
      return http_status >= 500 ? absl::StatusCode::kUnavailable
                                : absl::StatusCode::kInvalidArgument;
  }
}

std::optional<Duration> Seconds(std::int64_t seconds) {
  if (seconds <= 0) return std::nullopt;
  return std::chrono::seconds(std::min(seconds, kMaxRetryAfterSeconds));
}

// The fields of a Status object, or as much of an answer that is none as is good to read.
struct Said {
  int code = 0;
  std::string reason;
  std::string message;
  std::optional<Duration> retry_after;
};

Said Read(const Json& object, std::string_view otherwise) {
  Said said;
  if (TextAt(object, "/kind") == "Status") {
    said.reason = TextAt(object, "/reason");
    said.message = TextAt(object, "/message");
    if (const auto code = object.find("code");
        code != object.end() && code->is_number_integer() && *code >= 0 && *code < 1000) {
      said.code = code->get<int>();
    }
    if (const auto details = object.find("details");
        details != object.end() && details->is_object()) {
      const auto after = details->find("retryAfterSeconds");
      if (after != details->end() && after->is_number_integer()) {
        said.retry_after = Seconds(after->get<std::int64_t>());
      }
    }
  } else {
    said.message = std::string(otherwise.substr(0, otherwise.find_first_of("\r\n")));
  }
  said.reason = Utf8Prefix(said.reason, kMaxReason);
  said.message = Utf8Prefix(said.message, kMaxMessage);
  return said;
}

absl::Status ToStatus(std::string_view what, int http_status, const Said& said) {
  absl::Status status(
      CodeOf(http_status, said.reason),
      absl::StrCat(std::string(what), ": ", http_status, said.reason.empty() ? "" : " ",
                   said.reason, said.message.empty() ? "" : ": ", said.message));
  const std::int64_t wait =
      said.retry_after ? std::chrono::duration_cast<std::chrono::seconds>(*said.retry_after).count()
                       : 0;
  status.SetPayload(kPayload, absl::Cord(absl::StrCat(http_status, " ", wait, " ", said.reason)));
  return status;
}

}  // namespace

absl::Status ErrorOfAnswer(std::string_view what, int http_status, std::string_view body,
                           std::string_view retry_after_header) {
  Said said = Read(Json::parse(body, nullptr, /*allow_exceptions=*/false), body);
  std::int64_t seconds = 0;
  if (absl::SimpleAtoi(absl::string_view(retry_after_header.data(), retry_after_header.size()),
                       &seconds)) {
    said.retry_after = Seconds(seconds);
  }
  return ToStatus(what, http_status, said);
}

absl::Status ErrorOfStatusObject(std::string_view what, const Json& object) {
  const Said said = Read(object, object.dump(-1, ' ', false, Json::error_handler_t::replace));
  return ToStatus(what, said.code == 0 ? 500 : said.code, said);
}

std::optional<ApiError> ApiErrorOf(const absl::Status& status) {
  const absl::optional<absl::Cord> payload = status.GetPayload(kPayload);
  if (!payload) return std::nullopt;
  const std::string text(*payload);
  const std::size_t first = text.find(' ');
  const std::size_t second = text.find(' ', first + 1);
  ApiError error;
  std::int64_t wait = 0;
  if (!absl::SimpleAtoi(text.substr(0, first), &error.http_status)) return std::nullopt;
  if (!absl::SimpleAtoi(text.substr(first + 1, second - first - 1), &wait)) return std::nullopt;
  error.reason = text.substr(second + 1);
  error.retry_after = Seconds(wait);
  return error;
}

bool IsExpired(const absl::Status& status) {
  const std::optional<ApiError> error = ApiErrorOf(status);
  if (!error) return false;
  return error->http_status == 410 || error->reason == "Expired" || error->reason == "Gone" ||
         (error->http_status == 504 &&
          status.message().find("Too large resource version") != absl::string_view::npos);
}

}  // namespace nodedevice
