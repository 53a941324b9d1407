#pragma once

#include <filesystem>

#include "lib/base/status.h"

namespace nodedevice::devicemanager::conformance {

// A file or device node that is moved out of sight, to a hidden name in its own folder, and put
// back at the latest with this object.
class SetAside {
 public:
  static absl::StatusOr<SetAside> Move(const std::filesystem::path& path);
  SetAside(SetAside&& other) noexcept;
  SetAside& operator=(SetAside&&) = delete;
  ~SetAside();

  absl::Status PutBack();

 private:
  SetAside(std::filesystem::path path, std::filesystem::path hidden);

  std::filesystem::path path_;  // empty once it is back
  std::filesystem::path hidden_;
};

}  // namespace nodedevice::devicemanager::conformance
