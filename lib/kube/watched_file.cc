#include "lib/kube/watched_file.h"

#include "lib/base/file.h"

namespace nodedevice {
namespace {

constexpr std::size_t kMaxCredential = 1u << 20;

}  // namespace

absl::StatusOr<std::string> WatchedFile::Get(TimePoint now) {
  if (path_.empty() || (read_at_ && now - *read_at_ < kFresh)) return text_;
  absl::StatusOr<std::string> content = ReadFile(path_, kMaxCredential);
  if (!content.ok() || content->empty()) {
    if (!text_.empty()) return text_;
    return content.ok() ? absl::FailedPreconditionError(absl::StrCat(path_.string(), " is empty"))
                        : content.status();
  }
  read_at_ = now;
  text_ = *std::move(content);
  return text_;
}

}  // namespace nodedevice
