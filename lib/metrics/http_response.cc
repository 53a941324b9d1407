#include "lib/metrics/http_response.h"

#include <string_view>

#include "absl/strings/str_cat.h"

namespace nodedevice {
namespace {

constexpr std::string_view kHtml = "text/html";

const char* ReasonPhrase(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 413:
      return "Content Too Large";
    case 431:
      return "Request Header Fields Too Large";
    case 503:
      return "Service Unavailable";
    default:
      return status < 400 ? "OK" : "Error";
  }
}

}  // namespace

std::string ToWire(const HttpResponse& response, bool keep_alive, bool with_body) {
  std::string text = absl::StrCat(
      "HTTP/1.1 ", response.status, " ", ReasonPhrase(response.status),
      "\r\nContent-Type: ", response.content_type, "\r\nContent-Length: ", response.body.size(),
      "\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nConnection: ",
      keep_alive ? "keep-alive" : "close", "\r\n");
  if (response.status == 401) absl::StrAppend(&text, "WWW-Authenticate: Bearer\r\n");
  if (response.status == 405) absl::StrAppend(&text, "Allow: GET, HEAD\r\n");
  // What a page shows came from other processes: should an escape ever be forgotten, it still runs
  // no script and loads nothing.
  if (response.content_type.starts_with(kHtml)) {
    absl::StrAppend(&text,
                    "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'\r\n");
  }
  absl::StrAppend(&text, "\r\n");
  if (with_body) text += response.body;
  return text;
}

}  // namespace nodedevice
