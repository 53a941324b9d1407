#include "agent/plugin_output.h"

#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "lib/base/log.h"
#include "lib/base/utf8.h"
#include "nlohmann/json.hpp"

namespace nodedevice {
namespace {

constexpr std::size_t kLongestLine = 4096;
constexpr int kLines = 100;
constexpr Duration kSpan = std::chrono::seconds(10);

struct Message {
  spdlog::level::level_enum level = spdlog::level::info;
  std::string text;
};

// A line as lib/base/log writes it, or any text.
Message ReadMessage(std::string_view line) {
  if (line.starts_with('{')) {
    const auto json = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (json.is_object() && json.contains("level") && json["level"].is_string() &&
        json.contains("message") && json["message"].is_string()) {
      const auto level = spdlog::level::from_str(json["level"].get<std::string>());
      if (level != spdlog::level::off) return {level, json["message"].get<std::string>()};
    }
  }
  return {.text = std::string(line)};
}

}  // namespace

PluginOutput::PluginOutput(std::string plugin)
    : plugin_(std::move(plugin)),
      lines_(kLongestLine,
             [this](std::string_view line, std::size_t dropped) { Log(line, dropped); }),
      limiter_(kLines, kSpan) {}

void PluginOutput::Add(std::string_view bytes, TimePoint now) {
  now_ = now;
  lines_.Add(bytes);
}

void PluginOutput::Note(std::string_view remark, TimePoint now) {
  now_ = now;
  Log(remark, 0);
}

void PluginOutput::Finish(TimePoint now) {
  now_ = now;
  lines_.Finish();
  SayDropped(limiter_.TakeDropped());
}

void PluginOutput::Log(std::string_view line, std::size_t dropped_bytes) {
  const LogLimiter::Verdict verdict = limiter_.Admit(now_);
  if (!verdict.pass) return;
  SayDropped(verdict.dropped_before);
  const Message message = ReadMessage(line);
  const std::string text = Printable(message.text);
  if (dropped_bytes == 0) {
    spdlog::log(message.level, "[{}] {}", plugin_, text);
  } else {
    spdlog::log(message.level, "[{}] {} ... ({} more bytes)", plugin_, text, dropped_bytes);
  }
}

void PluginOutput::SayDropped(std::uint64_t lines) const {
  if (lines > 0) {
    spdlog::warn("[{}] printed {} more lines, which are not logged: at most {} are in 10 s",
                 plugin_, lines, kLines);
  }
}

std::string Printable(std::string_view text) {
  std::string printable;
  printable.reserve(text.size());
  if (text.ends_with('\r')) text.remove_suffix(1);
  while (!text.empty()) {
    const std::size_t length = Utf8Length(text);
    const auto first = static_cast<unsigned char>(text.front());
    const bool control = first < 0x20 && first != '\t';
    if (length == 0 || control || first == 0x7f) {
      printable += '?';
      text.remove_prefix(1);
    } else {
      printable += text.substr(0, length);
      text.remove_prefix(length);
    }
  }
  return printable;
}

}  // namespace nodedevice
