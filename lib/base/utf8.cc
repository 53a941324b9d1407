#include "lib/base/utf8.h"

#include <utility>

namespace nodedevice {
namespace {

bool Between(unsigned char byte, int low, int high) { return byte >= low && byte <= high; }

// Of one character: a space, or a control character of ASCII or of Latin-1 (which begins with C2).
bool IsBlank(std::string_view character) {
  const auto first = static_cast<unsigned char>(character[0]);
  if (character.size() == 1) return first <= 0x20 || first == 0x7F;
  return first == 0xC2 && Between(static_cast<unsigned char>(character[1]), 0x80, 0x9F);
}

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

std::string OneLine(std::string_view text, std::size_t limit) {
  static constexpr std::string_view kCut = "...";
  std::string line;
  std::size_t fits = 0;  // so much of the line may stay when the rest is cut
  bool is_blank_before = false;
  while (!text.empty()) {
    const std::size_t length = Utf8Length(text);
    const std::string_view character = length == 0 ? "?" : text.substr(0, length);
    text.remove_prefix(length == 0 ? 1 : length);
    if (IsBlank(character)) {
      is_blank_before = !line.empty();
      continue;
    }
    if (std::exchange(is_blank_before, false)) line += ' ';
    line += character;
    if (line.size() + kCut.size() <= limit) fits = line.size();
    if (line.size() > limit) {
      line.resize(fits);
      return line += kCut;
    }
  }
  return line;
}

}  // namespace nodedevice
