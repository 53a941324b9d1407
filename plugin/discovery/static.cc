#include "plugin/discovery/static.h"

#include <utility>

namespace nodedevice {

StaticSource::StaticSource(std::string resource, Static devices)
    : resource_(std::move(resource)), devices_(std::move(devices)) {}

absl::StatusOr<Inventory> StaticSource::Scan() {
  Inventory inventory;
  DeviceSet& set = inventory.resources[resource_];
  for (const StaticDevice& device : devices_.devices) {
    Device& made = set[device.id];
    made.numa_nodes = device.numa_nodes;
    if (!device.healthy) {
      made.problem = device.reason.empty() ? "the configuration says so" : device.reason;
    }
  }
  return inventory;
}

}  // namespace nodedevice
