#include "lib/kube/watch_frames.h"

#include <array>
#include <utility>

namespace nodedevice {
namespace {

constexpr std::array<std::pair<std::string_view, WatchFrame::Type>, 5> kTypes = {{
    {"ADDED", WatchFrame::Type::kAdded},
    {"MODIFIED", WatchFrame::Type::kModified},
    {"DELETED", WatchFrame::Type::kDeleted},
    {"BOOKMARK", WatchFrame::Type::kBookmark},
    {"ERROR", WatchFrame::Type::kError},
}};

bool IsBlank(std::string_view line) {
  return line.find_first_not_of(" \t\r") == std::string_view::npos;
}

}  // namespace

absl::Status WatchFrames::Take(std::string_view bytes, std::vector<WatchFrame>& frames) {
  while (broken_.ok() && !bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    const std::string_view piece = bytes.substr(0, end);
    if (partial_.size() + piece.size() > max_frame_) {
      broken_ = absl::ResourceExhaustedError(
          absl::StrCat("a frame of the watch is larger than ", max_frame_, " bytes"));
      break;
    }
    if (end == std::string_view::npos) {
      partial_ += piece;
      break;
    }
    bytes.remove_prefix(end + 1);
    if (partial_.empty()) {
      broken_ = TakeLine(piece, frames);
    } else {
      partial_ += piece;
      broken_ = TakeLine(std::exchange(partial_, {}), frames);
    }
  }
  return broken_;
}

absl::Status WatchFrames::TakeLine(std::string_view line, std::vector<WatchFrame>& frames) {
  if (IsBlank(line)) return absl::OkStatus();
  nlohmann::json event = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!event.is_object()) return absl::DataLossError("a frame of the watch is not a JSON object");
  const auto type = event.find("type");
  const auto object = event.find("object");
  if (type == event.end() || !type->is_string() || object == event.end() || !object->is_object()) {
    return absl::DataLossError("a frame of the watch lacks its type or its object");
  }
  for (const auto& [name, value] : kTypes) {
    if (type->get_ref<const std::string&>() != name) continue;
    frames.push_back({value, std::move(*object)});
    return absl::OkStatus();
  }
  return absl::DataLossError("a frame of the watch has an unknown type");
}

}  // namespace nodedevice
