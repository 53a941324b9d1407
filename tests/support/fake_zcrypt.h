#pragma once

#include <functional>
#include <string>
#include <vector>

#include "plugin/zcrypt/ap_mask.h"
#include "plugin/zcrypt/host_edits.h"
#include "tests/support/temp_dir.h"

namespace nodedevice::testing {

// What a test says of the host and hears of it.
struct ZcryptScript {
  // Every call in its order: "write /sys/class/zcrypt/create zcrypt-apqn-3-5-0".
  std::vector<std::string> trace = {};
  // A call whose line begins so fails, and changes nothing; empty: none.
  std::string fails = {};
  bool nodes_appear = true;  // in /dev, after the kernel has made them
  // Called before each call.
  std::function<void(const std::string& line)> before = {};
};

// The kernel's zcrypt class on a fake node: a name written to `create` makes a folder with empty
// masks and a FIFO in /dev, masks take "+3,+5" and "0x...", `destroy` takes both away. Everything
// else is done below the node as it is said. Nothing waits.
class FakeZcrypt : public DirectHostEdits {
 public:
  // Both must outlive it.
  FakeZcrypt(const TempDir& node, ZcryptScript& script);

  absl::Status WriteAttribute(const std::string& path, std::string_view text) override;
  absl::Status SetMode(const std::string& path, mode_t mode) override;
  bool WaitFor(const std::string& path, Duration at_most) override;
  absl::Status MakeFolder(const std::string& path) override;
  absl::Status MakeFile(const std::string& path, std::string_view text) override;
  absl::Status MakeLink(const std::string& path, const std::string& target) override;
  absl::Status Rename(const std::string& from, const std::string& to) override;
  absl::Status RemoveAll(const std::string& path) override;
  absl::Status LabelForContainers(const std::string& path) override;

 private:
  absl::Status Call(const std::string& line);
  absl::Status Create(const std::string& name);
  absl::Status Destroy(const std::string& name);
  absl::Status SetMask(const std::string& path, std::string_view text);

  const TempDir& node_;
  ZcryptScript& script_;
};

}  // namespace nodedevice::testing
