#pragma once

#include <string>

namespace nodedevice {

struct HttpResponse {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
};

// The bytes of an answer, with the headers that its status and content type ask for. `with_body` is
// false for HEAD: the length stands there all the same.
std::string ToWire(const HttpResponse& response, bool keep_alive, bool with_body);

}  // namespace nodedevice
