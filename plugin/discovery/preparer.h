#pragma once

#include <set>
#include <string>

#include "lib/base/status.h"

namespace nodedevice {

// Makes devices of a family ready for a container right before it starts, and undoes it when no
// container has them any more: driver binding, nodes made on demand (contracts/device-plugins.md
// 4). The host is the state: nothing else says what is prepared, and a new process finds it by
// asking.
//
// All functions are called on one thread of its own, never two at a time, maybe while a scan runs
// on another. They may block: a driver lets go of a device when it wants to.
class DevicePreparer {
 public:
  virtual ~DevicePreparer() = default;

  // Makes the device `id` ready; does nothing when it is. A failure leaves the host as it was.
  virtual absl::Status Prepare(const std::string& id) = 0;

  // Undoes it. Only for what Prepared() told or Prepare() made. A failure is tried again later.
  virtual absl::Status Release(const std::string& id) = 0;

  // What is prepared on the host now, in this program's life or an earlier one's.
  virtual std::set<std::string> Prepared() = 0;
};

}  // namespace nodedevice
