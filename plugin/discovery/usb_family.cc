#include "plugin/discovery/usb_family.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "plugin/discovery/device_node.h"
#include "plugin/discovery/env_name.h"
#include "plugin/discovery/numa.h"
#include "plugin/discovery/usb.h"

namespace nodedevice {

UsbSource::UsbSource(const std::string& resource, Usb usb, bool topology, const HostRoot& host)
    : resource_(resource),
      usb_(std::move(usb)),
      topology_(topology),
      host_(host),
      variable_(KubeVirtVariable("USB_RESOURCE", resource)) {}

absl::StatusOr<Inventory> UsbSource::Scan() {
  Inventory inventory;
  DeviceSet& set = inventory.resources[resource_];
  std::vector<UsbDevice> plugged = ListUsbDevices(host_, &inventory.directories);
  // "usb1" is the bus itself, which takes everything on it along.
  std::erase_if(plugged, [](const UsbDevice& device) { return device.port.starts_with("usb"); });
  UsbSets combined = CombineUsb(usb_.selectors, plugged);
  inventory.notes = std::move(combined.notes);
  for (const UsbSet& members : combined.sets) {
    Device device;
    for (const UsbDevice* usb : members) {
      if (device.problem.empty()) device.problem = NodeProblem(host_, usb->node);
      device.nodes.push_back({usb->node, "", "mrw"});
      device.env_items.push_back({variable_, absl::StrCat(usb->bus, ":", usb->number)});
      if (topology_) MergeNuma(NumaNodesOfUsb(host_, *usb), &device.numa_nodes);
    }
    set.emplace(UsbDeviceId(resource_, members), std::move(device));
  }
  return inventory;
}

}  // namespace nodedevice
