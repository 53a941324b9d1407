#pragma once

#include <string>
#include <string_view>

#include "agent/bounded_lines.h"
#include "agent/log_limiter.h"
#include "lib/base/clock.h"

namespace nodedevice {

// Puts what a plugin prints into our log: each line with the plugin's name before it, long lines
// cut, control characters made harmless, and of a flood only so much with a count of the rest. A
// line of our own plugin's log becomes one of ours, with its level; any other text has level info.
class PluginOutput {
 public:
  explicit PluginOutput(std::string plugin);

  void Add(std::string_view bytes, TimePoint now);

  // A remark of ours about this plugin, under the same limit.
  void Note(std::string_view remark, TimePoint now);

  // No more will come.
  void Finish(TimePoint now);

 private:
  void Log(std::string_view line, std::size_t dropped_bytes);
  void SayDropped(std::uint64_t lines) const;

  const std::string plugin_;
  BoundedLines lines_;
  LogLimiter limiter_;
  TimePoint now_;  // of the call that is running
};

// `text` without what could steer a terminal or forge another log line.
std::string Printable(std::string_view text);

}  // namespace nodedevice
