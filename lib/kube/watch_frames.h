#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lib/base/status.h"
#include "nlohmann/json.hpp"

namespace nodedevice {

// One event of a watch stream.
struct WatchFrame {
  enum class Type { kAdded, kModified, kDeleted, kBookmark, kError };
  Type type = Type::kAdded;
  nlohmann::json object;
  bool operator==(const WatchFrame&) const = default;
};

// Cuts the body of a watch into its frames, one line of JSON each, however the network cut it into
// pieces. Pure. The stream is untrusted: a line that is too long, is not JSON or has no type that
// we know ends it with an error, after which nothing more is accepted.
class WatchFrames {
 public:
  // Objects of the API are at most 1.5 MB in etcd; with managed fields and escapes some more.
  static constexpr std::size_t kMaxFrame = 8u << 20;

  explicit WatchFrames(std::size_t max_frame = kMaxFrame) : max_frame_(max_frame) {}

  // The frames that `bytes` complete, in order. Frames before a bad one are in `frames` also when
  // this fails.
  absl::Status Take(std::string_view bytes, std::vector<WatchFrame>& frames);

 private:
  absl::Status TakeLine(std::string_view line, std::vector<WatchFrame>& frames);

  std::size_t max_frame_;
  std::string partial_;
  absl::Status broken_;
};

}  // namespace nodedevice
