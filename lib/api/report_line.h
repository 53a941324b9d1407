#pragma once

// How a process that the agent started tells it something: one line of JSON on file descriptor 3
// for every change, each a complete picture, the newest wins. End of file means that the process is
// gone; a broken pipe tells the process that the agent is. What the lines say: plugin_report.h and
// kubelet_report.h.

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "lib/api/field_reader.h"
#include "lib/base/status.h"

namespace nodedevice {

inline constexpr int kReportFd = 3;
inline constexpr std::size_t kMaxReportLine = 1u << 20;
// No text in a report is longer.
inline constexpr std::size_t kMaxReportText = 1024;

// Has `read` read the object that the line holds. The line comes from another process and is
// untrusted: one that is too long or no JSON is an error, and so is what `read` finds wrong.
absl::Status ReadLine(std::string_view line,
                      const std::function<void(ObjectReader& reader, FieldErrors& errors)>& read);

// At most `limit` bytes of `text`; what is no UTF-8 or a control character becomes '?' or a space.
std::string CleanReportText(std::string_view text, std::size_t limit = kMaxReportText);

}  // namespace nodedevice
