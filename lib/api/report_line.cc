#include "lib/api/report_line.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "lib/base/utf8.h"
#include "nlohmann/json.hpp"

namespace nodedevice {

absl::Status ReadLine(std::string_view line,
                      const std::function<void(ObjectReader& reader, FieldErrors& errors)>& read) {
  if (line.size() > kMaxReportLine) {
    return absl::InvalidArgumentError(
        absl::StrCat("a report of ", line.size(), " bytes; at most ", kMaxReportLine, " are read"));
  }
  const auto json = nlohmann::json::parse(line, /*cb=*/nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) {
    return absl::InvalidArgumentError(absl::StrCat("a report that is no JSON: ", Quoted(line)));
  }
  FieldErrors errors;
  ObjectReader reader({&json, ""}, errors);
  read(reader, errors);
  if (errors.count() > 0) {
    return absl::InvalidArgumentError(absl::StrCat("a wrong report: ", ToString(errors.Take())));
  }
  return absl::OkStatus();
}

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
