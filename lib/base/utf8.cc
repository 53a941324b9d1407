#include "lib/base/utf8.h"

namespace nodedevice {
namespace {

bool Between(unsigned char byte, int low, int high) { return byte >= low && byte <= high; }

}  // namespace

std::size_t Utf8Length(std::string_view text) {
  if (text.empty()) return 0;
  const auto first = static_cast<unsigned char>(text[0]);
  if (first < 0x80) return 1;
  const std::size_t length = Between(first, 0xC2, 0xDF)   ? 2
                             : Between(first, 0xE0, 0xEF) ? 3
                             : Between(first, 0xF0, 0xF4) ? 4
                                                          : 0;
  if (length == 0 || text.size() < length) return 0;
  // The second byte is narrower where a shorter form, a surrogate or a value beyond U+10FFFF would
  // be written otherwise.
  const int low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
  const int high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
  if (!Between(static_cast<unsigned char>(text[1]), low, high)) return 0;
  for (std::size_t i = 2; i < length; ++i) {
    if (!Between(static_cast<unsigned char>(text[i]), 0x80, 0xBF)) return 0;
  }
  return length;
}

std::size_t FindInvalidUtf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = Utf8Length(text.substr(at));
    if (length == 0) return at;
    at += length;
  }
  return std::string_view::npos;
}

std::string_view Utf8Prefix(std::string_view text, std::size_t limit) {
  text = text.substr(0, limit);
  return text.substr(0, FindInvalidUtf8(text));
}

}  // namespace nodedevice
