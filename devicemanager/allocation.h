#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <variant>

#include "devicemanager/numa_mask.h"
#include "lib/base/status.h"

namespace nodedevice::devicemanager {

using DeviceIds = std::set<std::string>;

// Everything that decides which devices a container gets of one resource.
struct AllocationRequest {
  std::string pod_uid;
  std::string container;
  std::string resource;
  int required = 0;
  bool registered = false;        // the kubelet has a device list of the resource
  bool prefers = false;           // the plugin offers GetPreferredAllocation
  std::optional<DeviceIds> held;  // what this container already holds
  DeviceIds healthy;
  DeviceIds in_use;                                 // held by any container on the node
  DeviceIds reusable;                               // left over by init containers of this pod
  std::optional<NumaMask> affinity = std::nullopt;  // the nodes to prefer; nullopt: any
  DeviceNodes numa_nodes = {};                      // of every device that was listed
  // Of the order in which devices are taken that nobody prefers; nullopt: byte order.
  std::optional<std::uint64_t> seed = std::nullopt;
};

// The container needs nothing new: it asked for none, or it restarted and keeps what it has.
// Allocate is not called.
struct NothingNeeded {};

// Allocate is to be called with these.
struct TakeDevices {
  DeviceIds devices;
};

// The plugin is to be asked with GetPreferredAllocation; its answer goes to Complete().
struct AskPlugin {
  DeviceIds available;     // the offer, with `must_include`
  DeviceIds must_include;  // taken already
  int size = 0;            // of the whole answer
  DeviceIds first = {};    // what is taken first of that which the plugin leaves open
  std::optional<std::uint64_t> seed = std::nullopt;  // as in AllocationRequest
};

using AllocationDecision = std::variant<NothingNeeded, TakeDevices, AskPlugin>;

// The kubelet's decision, in its order and with its messages. Devices on the nodes of the affinity
// are taken before all others; those with another node come before those without any. Where a
// kubelet takes any device of an unordered set, this takes the first in byte order, or in an order
// that only the seed decides.
absl::StatusOr<AllocationDecision> DecideAllocation(const AllocationRequest& request);

// The devices after the plugin's answer. Preferred ids that were not offered are ignored; what is
// missing is filled up from the offer.
absl::StatusOr<TakeDevices> Complete(const AskPlugin& asked, const DeviceIds& preferred);

}  // namespace nodedevice::devicemanager
