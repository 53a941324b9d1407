#pragma once

#include <memory>
#include <string>

#include "lib/api/device_plugin_config.h"
#include "lib/base/host_root.h"
#include "plugin/discovery/source.h"

namespace nodedevice {

// Family `mdev`: mediated devices, parts of a device such as virtual GPUs, which somebody else has
// made or, with `create`, the maker. The id is the UUID.
//
// One that the maker made and the entry asks for no longer is unhealthy until it is removed, so
// that no further pod gets it.
class MdevSource : public DiscoverySource {
 public:
  MdevSource(const std::string& resource, Mdev mdev, bool topology, const HostRoot& host);
  absl::StatusOr<Inventory> Scan() override;
  std::unique_ptr<DeviceMaker> MakeMaker() override;  // with `create`

 private:
  const std::string resource_;
  const Mdev mdev_;
  const bool topology_;
  const HostRoot host_;
  const std::string variable_;
};

}  // namespace nodedevice
