#pragma once

// What went wrong with a request to the Kubernetes API, as an absl::Status that keeps what the
// server said (contracts: Status objects carry `reason`, which says more than the HTTP code).

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "lib/base/clock.h"
#include "lib/base/status.h"
#include "nlohmann/json.hpp"

namespace nodedevice {

struct ApiError {
  int http_status = 0;  // 0: there was no answer
  std::string reason;   // "NotFound", "Conflict", "Expired"; empty when the server gave none
  std::optional<Duration> retry_after;
};

// The error of an answer that is not 2xx. `body` is untrusted: a Status object, or anything else a
// proxy on the way may say. `what` is the request: "GET /api/v1/nodes/n1".
//
//   401 kUnauthenticated   403 kPermissionDenied   404 kNotFound       409 kAborted, AlreadyExists
//   410 kOutOfRange        429 kResourceExhausted  4xx kInvalidArgument   kAlreadyExists
//   5xx kUnavailable; a 504 of reason Timeout and ResourceVersionTooLarge included
absl::Status ErrorOfAnswer(std::string_view what, int http_status, std::string_view body,
                           std::string_view retry_after_header = "");

// The same for a Status object that came in an ERROR frame of a watch.
absl::Status ErrorOfStatusObject(std::string_view what, const nlohmann::json& object);

// What the server said; nullopt for an error that did not come from it.
std::optional<ApiError> ApiErrorOf(const absl::Status& status);

// The resourceVersion that was asked for is too old (410 Expired or Gone) or from the future.
bool IsExpired(const absl::Status& status);

}  // namespace nodedevice
