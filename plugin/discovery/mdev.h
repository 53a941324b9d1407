#pragma once

#include <string>

#include "lib/api/device_plugin_config.h"
#include "lib/base/host_root.h"
#include "plugin/discovery/source.h"

namespace nodedevice {

// Family `mdev`: mediated devices, parts of a device such as virtual GPUs, which somebody else has
// made. The id is the UUID.
class MdevSource : public DiscoverySource {
 public:
  MdevSource(const std::string& resource, Mdev mdev, bool topology, const HostRoot& host);
  absl::StatusOr<Inventory> Scan() override;

 private:
  const std::string resource_;
  const Mdev mdev_;
  const bool topology_;
  const HostRoot host_;
  const std::string variable_;
};

}  // namespace nodedevice
