#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "devicemanager/affinity.h"
#include "devicemanager/merge.h"
#include "devicemanager/node_state.h"
#include "devicemanager/plugin_connections.h"
#include "devicemanager/pod.h"
#include "nlohmann/json.hpp"

namespace nodedevice::devicemanager {

// A reason and a message as a kubelet puts them into a pod's status.
struct Reason {
  std::string reason;
  std::string message;
};

struct AdmittedContainer {
  std::string name;
  ContainerKind kind = ContainerKind::kApp;
  std::map<std::string, DeviceIds> devices;  // by resource
  std::optional<NumaNodes> numa_nodes;       // from which the Topology Manager wanted them
  // Resources that no plugin has registered. A kubelet takes them for somebody else's business and
  // starts the container without them; only the scheduler would have held the pod back.
  std::vector<std::string> ignored;
  ContainerSpec spec;
  std::optional<Reason> waiting;  // why it could not be started; it has no spec then
};

struct Admission {
  Pod pod;
  std::optional<Reason> rejection;
  std::vector<AdmittedContainer> containers;  // empty when rejected

  // Admitted, and every container could be started with all that it asked for.
  bool running() const;
};

// {"admitted", "pod", "containers"} or {"admitted", "pod", "reason", "message"}.
nlohmann::ordered_json ToJson(const Admission& admission);

// What a container holds once the plugin has answered Allocate of the devices. A device without
// topology stands under kNoNumaNode. Pure.
HeldDevices MakeHeld(const Model& model, const std::string& resource, const DeviceIds& devices,
                     const v1beta1::ContainerAllocateResponse& response);

// Admits pods as a kubelet does: one at a time, each container's resources in turn. Thread-safe.
// With `shuffle` it takes devices that no plugin prefers in another order each time, as a kubelet
// does, and in the same orders for the same seed and admissions.
class Admitter {
 public:
  Admitter(NodeState& state, PluginConnections& plugins, Duration pre_start_timeout,
           TopologySettings topology = {}, std::optional<std::uint64_t> shuffle = std::nullopt)
      : state_(state),
        plugins_(plugins),
        pre_start_timeout_(pre_start_timeout),
        topology_(std::move(topology)) {
    if (shuffle) seeds_.emplace(*shuffle);
  }

  // Blocks as long as the plugins take. A pod that is here already is admitted again, as after a
  // restart of its containers: it keeps its devices. That a plugin or a lack of devices stands in
  // the way is a rejection in the answer; an error is a pod that could not exist on a cluster.
  absl::StatusOr<Admission> Admit(Pod pod);

  // Frees what the pod holds. `pod` is its name or uid. kNotFound when there is none.
  absl::Status Delete(const std::string& namespace_name, const std::string& pod);

  // While not open, pods are refused. Closing waits for the admission under way; close the
  // connections before, so that it cannot hang.
  void SetOpen(bool open);

 private:
  // By container.
  using Affinities = std::map<std::string, NumaMask>;

  absl::Status AssignUid(Pod& pod) const;
  // A kubelet counts whole milliseconds.
  void CountAdmission(Duration took, bool rejected);
  // Frees the devices of every pod that is neither here nor being admitted: those that a checkpoint
  // names and nobody has deleted, after this program was killed. A kubelet does it each time it is
  // about to take devices or to say where they are, and writes it down with the next allocation.
  void FreeStranded(const Pod& admitted);
  // Why the pod is rejected; nullopt when every container has its devices. Says in `affinities`
  // where they should come from.
  std::optional<Reason> AllocatePod(const Pod& pod, Affinities& affinities);
  absl::Status AllocateContainer(const Pod& pod, const Container& container,
                                 const ReusableDevices& reusable,
                                 const std::optional<NumaMask>& affinity);
  bool IsKnown(const std::string& resource) const;
  absl::Status AllocateResource(const AllocationRequest& request);
  absl::Status CallAllocate(const AllocationRequest& request, const DeviceIds& devices);
  absl::StatusOr<DeviceIds> AskPreferred(const std::string& resource, const AskPlugin& offer);
  absl::StatusOr<ContainerSpec> StartContainer(const Pod& pod, const Container& container);
  absl::Status PreStart(const Pod& pod, const Container& container, const std::string& resource);

  NodeState& state_;
  PluginConnections& plugins_;
  const Duration pre_start_timeout_;
  const TopologySettings topology_;
  // One for each allocation. Guarded by allocating_; nothing: devices are taken in byte order.
  std::optional<std::mt19937_64> seeds_;
  std::mutex allocating_;  // the kubelet's node-wide allocation lock
  bool open_ = false;      // guarded by allocating_
};

}  // namespace nodedevice::devicemanager
