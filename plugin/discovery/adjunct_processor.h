#pragma once

#include <memory>
#include <set>
#include <string>
#include <utility>

#include "lib/api/device_plugin_config.h"
#include "lib/base/host_root.h"
#include "plugin/discovery/source.h"
#include "plugin/zcrypt/ap_selection.h"

namespace nodedevice {

// Family `adjunctProcessor`: queues of crypto cards (IBM Crypto Express), each as many times as
// containers may use it. What a container gets is made right before it starts: the preparer does.
class AdjunctProcessorSource : public DiscoverySource {
 public:
  AdjunctProcessorSource(std::string resource, const AdjunctProcessor& family,
                         const HostRoot& host);
  absl::StatusOr<Inventory> Scan() override;
  std::unique_ptr<DevicePreparer> MakePreparer() override;

 private:
  // Adds the devices of a queue that is there, or was.
  void Add(const Apqn& apqn, const AdjunctProcessor& family, const std::string& problem,
           DeviceSet& set);

  const std::string resource_;
  const HostRoot host_;
  const std::string config_file_;
  const std::shared_ptr<ApSelection> selection_;
  // By adapter and domain, what was announced by this process: such a queue that is away is told as
  // a device with its reason, and one that never was here is not told as a device at all.
  std::set<std::pair<int, int>> announced_;
};

}  // namespace nodedevice
