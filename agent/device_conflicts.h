#pragma once

// Which device two resources of a node announce. The kubelet counts devices by resource: it gives
// one to a pod that asks for the first resource, and again to a pod that asks for the second, and
// both believe that it is theirs.

#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "agent/snapshot.h"
#include "lib/api/device_plugin_config.h"

namespace nodedevice {

// What is compared of one device, as its plugin reports it.
struct AnnouncedDevice {
  std::string id;
  bool healthy = true;
  std::string paths;
  bool operator==(const AnnouncedDevice&) const = default;
};

struct AnnouncedResource {
  std::string plugin;
  std::string resource;
  // Announces more devices than it names: each device several times (replicas, time slicing, MPS),
  // or too many for a report.
  bool shared = false;
  std::vector<AnnouncedDevice> devices;
  bool operator==(const AnnouncedResource&) const = default;
};

// One device in two resources; of the two the one with the lesser name is `resource`.
struct DeviceConflict {
  std::string device;  // a device node, or the id of a device that has none
  std::string resource;
  std::string plugin;
  std::string other_resource;
  std::string other_plugin;
  bool operator<(const DeviceConflict& other) const {
    return std::tie(device, resource, plugin, other_resource, other_plugin) <
           std::tie(other.device, other.resource, other.plugin, other.other_resource,
                    other.other_plugin);
  }
};

// The conflicts among `resources`. Pure, any thread.
//
// What is a device's own: its nodes below /dev, without those that the kernel opens to as many as
// like, each for itself (/dev/kvm, /dev/fuse), or that belong to a whole family (/dev/vfio/vfio,
// /dev/nvidiactl). Of a device of vfio it is the node of its IOMMU group, which the kernel opens
// once. A device that is called by a UUID or a PCI address, as GPUs and functions are, is also the
// same one wherever this id stands.
//
// A device conflicts with one of another resource that has all of its own nodes too, unless its
// resource is shared: those who hold a share know that others have it. So two resources that both
// share a node are no conflict, and neither are MIG devices, each of which has the GPU's node and
// some more. A device whose every node is open to all never conflicts.
//
// An unhealthy device is given to nobody, so it starts no conflict, which matters where a new
// device takes the name of one that is gone; but one that is in `known` goes on.
//
// Not seen are, for no report says it: devices of foreign plugins (exec) and of other
// DevicePluginConfigs; devices that a report has no room for, which names at most
// kMaxReportedDevices of a resource, the unhealthy ones first; a resource of more devices than that
// counts as shared, so two such resources are not compared; and one device behind different nodes,
// as a USB stick is behind /dev/bus/usb and /dev/ttyUSB0.
std::set<DeviceConflict> FindDeviceConflicts(const std::vector<AnnouncedResource>& resources,
                                             const std::set<DeviceConflict>& known);

// The same for people, one sentence for each two resources, with what to do; bounded.
std::vector<std::string> ToSentences(const std::set<DeviceConflict>& conflicts);

// Follows the plugins of an agent and keeps the conflicts of their devices. What a plugin reported
// last counts until it reports otherwise or its entry changes: plugins that crash, wait for the
// kubelet or are stopped with the agent end no conflict.
//
// One thread.
class DeviceConflicts {
 public:
  // The entries that are wanted from now on. What was seen of any other one is forgotten.
  void Expect(const std::vector<PluginSpec>& entries);

  // Looks at the rows of a snapshot and returns the sentences. When no device has come, gone or
  // changed, it only compares.
  const std::vector<std::string>& Look(const std::vector<PluginStatus>& plugins);

 private:
  struct Entry {
    std::string text;  // PluginSpec::text
    std::vector<AnnouncedResource> seen;
  };

  void Judge();

  std::map<std::string, Entry> entries_;  // by name
  std::set<DeviceConflict> conflicts_;
  std::vector<std::string> sentences_;
};

}  // namespace nodedevice
