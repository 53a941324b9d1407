#include "lib/api/report_line.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "lib/base/utf8.h"

namespace nodedevice {

std::string CleanReportText(std::string_view text, std::size_t limit) {
  std::string clean;
  while (!text.empty()) {
    const std::size_t length = Utf8Length(text);
    if (clean.size() + std::max<std::size_t>(length, 1) > limit) break;
    if (length == 0) {
      clean += '?';
    } else if (absl::ascii_iscntrl(static_cast<unsigned char>(text[0]))) {
      clean += ' ';
    } else {
      clean += text.substr(0, length);
    }
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return clean;
}

}  // namespace nodedevice
