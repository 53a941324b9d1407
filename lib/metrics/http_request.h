#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "lib/metrics/http_response.h"

namespace nodedevice {

// What is asked for, as far as a server of fixed pages needs to know.
struct HttpRequest {
  std::string method = {};
  std::string path = {};  // without the query
  bool keep_alive = false;
  std::optional<std::string> bearer_token = {};  // of "Authorization: Bearer ..."; never empty
  std::size_t size = 0;                          // bytes of it
};

// The header of a request is not complete yet.
struct HttpNeedsMore {};

inline constexpr std::size_t kHttpHeaderLimit = 8192;

// Reads the request that `bytes` begin with; a following one may stand behind it. Otherwise what to
// answer before the connection is closed: the header is malformed (400) or over the limit (431), or
// a body follows (413). Pure.
std::variant<HttpRequest, HttpNeedsMore, HttpResponse> ParseHttpRequest(std::string_view bytes);

}  // namespace nodedevice
