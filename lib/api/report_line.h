#pragma once

// How a process that the agent started tells it something: one line of JSON on file descriptor 3
// for every change, each a complete picture, the newest wins. End of file means that the process is
// gone; a broken pipe tells the process that the agent is. What the lines say: plugin_report.h and
// kubelet_report.h.

#include <cstddef>
#include <string>
#include <string_view>

namespace nodedevice {

inline constexpr int kReportFd = 3;
inline constexpr std::size_t kMaxReportLine = 1u << 20;
// No text in a report is longer.
inline constexpr std::size_t kMaxReportText = 1024;

// At most `limit` bytes of `text`; what is no UTF-8 or a control character becomes '?' or a space.
std::string CleanReportText(std::string_view text, std::size_t limit = kMaxReportText);

}  // namespace nodedevice
