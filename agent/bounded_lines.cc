#include "agent/bounded_lines.h"

#include <algorithm>
#include <utility>

namespace nodedevice {

BoundedLines::BoundedLines(std::size_t max_line, OnLine on_line)
    : max_line_(max_line), on_line_(std::move(on_line)) {}

void BoundedLines::Add(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t newline = bytes.find('\n');
    const std::string_view part = bytes.substr(0, newline);
    const std::size_t kept = std::min(part.size(), max_line_ - line_.size());
    line_.append(part.substr(0, kept));
    dropped_ += part.size() - kept;
    if (newline == std::string_view::npos) return;
    Emit();
    bytes.remove_prefix(newline + 1);
  }
}

void BoundedLines::Finish() {
  if (!line_.empty() || dropped_ > 0) Emit();
}

void BoundedLines::Emit() {
  on_line_(line_, std::exchange(dropped_, 0));
  line_.clear();
}

}  // namespace nodedevice
