#include "devicemanager/conformance/set_aside.h"

#include <fcntl.h>
#include <stdio.h>

#include <cerrno>
#include <utility>

namespace nodedevice::devicemanager::conformance {
namespace {

namespace fs = std::filesystem;

// Never over something that is there.
absl::Status Rename(const fs::path& from, const fs::path& to) {
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) {
    return absl::OkStatus();
  }
  return ErrnoStatus(errno, absl::StrCat("move ", from.native(), " to ", to.native()));
}

}  // namespace

absl::StatusOr<SetAside> SetAside::Move(const fs::path& path) {
  const fs::path hidden =
      path.parent_path() / absl::StrCat(".conformance-", path.filename().native());
  RETURN_IF_ERROR(Rename(path, hidden));
  return SetAside(path, hidden);
}

SetAside::SetAside(fs::path path, fs::path hidden)
    : path_(std::move(path)), hidden_(std::move(hidden)) {}

SetAside::SetAside(SetAside&& other) noexcept
    : path_(std::exchange(other.path_, {})), hidden_(std::move(other.hidden_)) {}

SetAside::~SetAside() { PutBack().IgnoreError(); }

absl::Status SetAside::PutBack() {
  if (path_.empty()) return absl::OkStatus();
  return Rename(hidden_, std::exchange(path_, {}));
}

}  // namespace nodedevice::devicemanager::conformance
