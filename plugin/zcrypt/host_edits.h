#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "lib/base/clock.h"
#include "lib/base/host_root.h"
#include "lib/base/status.h"

namespace nodedevice {

// All that preparing a queue changes on the host, one by one, and the waiting for what the kernel
// makes of it. Paths are host paths. Tests put a recorder, or what plays the kernel, in its place.
//
// Errors name the path. One thread at a time.
class HostEdits {
 public:
  virtual ~HostEdits() = default;

  // Writes to an attribute of sysfs, in one call of write(2): each call is a command.
  virtual absl::Status WriteAttribute(const std::string& path, std::string_view text) = 0;
  virtual absl::Status SetMode(const std::string& path, mode_t mode) = 0;
  // Blocks until there is something at `path`; false: `at_most` has passed and there is not.
  virtual bool WaitFor(const std::string& path, Duration at_most) = 0;

  // A folder of mode 0755, with those above it. Does nothing when it is there.
  virtual absl::Status MakeFolder(const std::string& path) = 0;
  // A file of mode 0444, or a link, that is not there yet; the folder is.
  virtual absl::Status MakeFile(const std::string& path, std::string_view text) = 0;
  virtual absl::Status MakeLink(const std::string& path, const std::string& target) = 0;
  virtual absl::Status Rename(const std::string& from, const std::string& to) = 0;
  // With everything below; does nothing when it is not there. Links are not followed.
  virtual absl::Status RemoveAll(const std::string& path) = 0;
  // Gives a folder the type of SELinux that containers may read; what is made in it later takes it
  // over. Does nothing on a host without SELinux.
  virtual absl::Status LabelForContainers(const std::string& path) = 0;
};

// On the host below `host`.
class DirectHostEdits : public HostEdits {
 public:
  explicit DirectHostEdits(const HostRoot& host) : host_(host) {}

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
  const HostRoot host_;
};

}  // namespace nodedevice
