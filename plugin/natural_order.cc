#include "plugin/natural_order.h"

#include <cstddef>

namespace nodedevice {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// The run of digits at `from`, without leading zeros.
std::string_view Number(std::string_view text, std::size_t from) {
  std::size_t end = from;
  while (end < text.size() && IsDigit(text[end])) ++end;
  while (from + 1 < end && text[from] == '0') ++from;
  return text.substr(from, end - from);
}

std::size_t SkipDigits(std::string_view text, std::size_t from) {
  while (from < text.size() && IsDigit(text[from])) ++from;
  return from;
}

}  // namespace

bool NaturalLess::operator()(std::string_view a, std::string_view b) const {
  // What both begin with decides nothing, except that a number may begin inside it.
  std::size_t i = 0;
  while (i < a.size() && i < b.size() && a[i] == b[i]) ++i;
  if (i == b.size()) return false;
  if (i == a.size()) return true;
  while (i > 0 && IsDigit(a[i - 1])) --i;
  std::size_t j = i;
  while (i < a.size() && j < b.size()) {
    if (IsDigit(a[i]) && IsDigit(b[j])) {
      const std::string_view x = Number(a, i);
      const std::string_view y = Number(b, j);
      if (x.size() != y.size()) return x.size() < y.size();
      if (x != y) return x < y;
      i = SkipDigits(a, i);
      j = SkipDigits(b, j);
    } else {
      if (a[i] != b[j]) return static_cast<unsigned char>(a[i]) < static_cast<unsigned char>(b[j]);
      ++i;
      ++j;
    }
  }
  if (i < a.size() || j < b.size()) return j < b.size();
  return a < b;  // "01" and "1"
}

}  // namespace nodedevice
