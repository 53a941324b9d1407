#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "lib/base/clock.h"
#include "lib/base/status.h"

namespace nodedevice {

// A credential that somebody else rotates: read again when what is known is older than a minute, or
// at once when told that it was refused. A read that fails keeps what is known. Opened anew each
// time, so a swapped symbolic link is followed. Not thread-safe.
class WatchedFile {
 public:
  static constexpr Duration kFresh = std::chrono::seconds(60);

  // Without a path it is `text` for ever.
  WatchedFile(std::filesystem::path path, std::string text)
      : path_(std::move(path)), text_(std::move(text)) {}

  // The content as of `now`. Fails only when it could not be read even once.
  absl::StatusOr<std::string> Get(TimePoint now);

  // It was refused: the next Get() reads.
  void Forget() { read_at_.reset(); }

 private:
  const std::filesystem::path path_;
  std::string text_;
  std::optional<TimePoint> read_at_;
};

}  // namespace nodedevice
