#include "lib/metrics/http_request.h"

#include <variant>

#include "tests/fuzz/fuzz_target.h"

using nodedevice::HttpNeedsMore;
using nodedevice::HttpRequest;
using nodedevice::HttpResponse;
using nodedevice::fuzz::Require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = nodedevice::fuzz::TextOf(data, size);
  const auto parsed = nodedevice::ParseHttpRequest(bytes);
  if (const HttpResponse* refusal = std::get_if<HttpResponse>(&parsed)) {
    Require(refusal->status == 400 || refusal->status == 413 || refusal->status == 431, "a 4xx");
    Require(!refusal->body.empty(), "a reason");
    return 0;
  }
  if (std::holds_alternative<HttpNeedsMore>(parsed)) {
    Require(size < nodedevice::kHttpHeaderLimit, "what is read is bounded");
    Require(bytes.find("\r\n\r\n") == std::string_view::npos, "a whole header is not waited for");
    return 0;
  }
  const HttpRequest& request = std::get<HttpRequest>(parsed);
  Require(request.size > 0 && request.size <= size, "it is part of what was read");
  Require(request.size <= nodedevice::kHttpHeaderLimit, "its size is bounded");
  Require(!request.method.empty(), "there is a method");
  Require(request.path.find('?') == std::string::npos, "the path has no query");
  Require(!request.bearer_token || !request.bearer_token->empty(), "a token is not empty");
  // What follows it does not matter.
  const auto alone = nodedevice::ParseHttpRequest(bytes.substr(0, request.size));
  Require(std::holds_alternative<HttpRequest>(alone), "it stands alone");
  Require(std::get<HttpRequest>(alone).path == request.path, "and means the same");
  return 0;
}
