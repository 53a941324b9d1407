#include "lib/metrics/http_request.h"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "lib/base/status.h"

namespace nodedevice {
namespace {

namespace http = boost::beast::http;
using Parser = http::request_parser<http::empty_body>;

constexpr absl::string_view kBearer = "Bearer ";

// "/metrics?x=1" and, as a proxy would ask, "http://host/metrics?x=1" -> "/metrics".
std::string PathOf(std::string_view target) {
  if (const std::size_t scheme = target.find("://");
      scheme != std::string_view::npos && !target.starts_with('/')) {
    target.remove_prefix(scheme + 3);
    const std::size_t path = target.find('/');
    target = path == std::string_view::npos ? "/" : target.substr(path);
  }
  return std::string(target.substr(0, target.find('?')));
}

std::optional<std::string> BearerToken(const Parser& parser) {
  const auto field = parser.get().find(http::field::authorization);
  if (field == parser.get().end()) return std::nullopt;
  const absl::string_view value(field->value().data(), field->value().size());
  if (!absl::StartsWithIgnoreCase(value, kBearer)) return std::nullopt;
  const absl::string_view token = absl::StripAsciiWhitespace(value.substr(kBearer.size()));
  if (token.empty()) return std::nullopt;
  return std::string(token);
}

HttpResponse Malformed(const std::string& why) {
  return {.status = 400, .body = absl::StrCat("not an HTTP request: ", why, "\n")};
}

}  // namespace

std::variant<HttpRequest, HttpNeedsMore, HttpResponse> ParseHttpRequest(std::string_view bytes) {
  constexpr std::string_view kEnd = "\r\n\r\n";
  const std::size_t end = bytes.find(kEnd);
  const std::size_t size = end == std::string_view::npos ? bytes.size() : end + kEnd.size();
  if (size > kHttpHeaderLimit || (end == std::string_view::npos && size == kHttpHeaderLimit)) {
    return HttpResponse{
        .status = 431,
        .body = absl::StrCat("the request's header has more than ", kHttpHeaderLimit, " bytes\n")};
  }
  // Only then is it read, once: a client that sends byte after byte costs no more than another.
  if (end == std::string_view::npos) return HttpNeedsMore{};

  Parser parser;
  parser.header_limit(kHttpHeaderLimit);
  boost::beast::error_code error;
  parser.put(boost::asio::buffer(bytes.data(), size), error);
  if (error) return Malformed(error.message());
  if (!parser.is_header_done()) return Malformed("its header ends too early");
  if (parser.get().count(http::field::authorization) > 1) {
    return Malformed("it has more than one Authorization");
  }
  if (parser.chunked() || parser.content_length().value_or(0) > 0) {
    return HttpResponse{.status = 413, .body = "requests with a body are not answered\n"};
  }
  HttpRequest request;
  request.method = std::string(parser.get().method_string());
  request.path = PathOf({parser.get().target().data(), parser.get().target().size()});
  request.keep_alive = parser.get().keep_alive();
  request.bearer_token = BearerToken(parser);
  request.size = size;
  return request;
}

}  // namespace nodedevice
