#pragma once

#include <filesystem>
#include <string>

#include "lib/base/status.h"

namespace nodedevice::bench {

// A folder of device nodes d0, d1, ... Each is a /dev/null of its own where the process may make
// device nodes, and a FIFO elsewhere.
class DeviceNodes {
 public:
  // `folder` exists and is empty.
  explicit DeviceNodes(std::filesystem::path folder) : folder_(std::move(folder)) {}

  absl::Status Add(int number) const;
  absl::Status Remove(int number) const;

  // Of the node with this number, whether it is there or not.
  std::filesystem::path Path(int number) const { return folder_ / absl::StrCat("d", number); }

  // The pattern that matches all of them, and nothing else there.
  std::string pattern() const { return folder_ / "d*"; }

 private:
  std::filesystem::path folder_;
};

}  // namespace nodedevice::bench
