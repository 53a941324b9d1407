#pragma once

// Everything that the controller has read of the cluster, as one value: what MakePlan thinks about.
// Of nodes, states and pods, of which there are thousands, only what is thought about is kept; each
// has a reader, which takes any JSON.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "lib/kube/api_time.h"
#include "lib/mco/label_selector.h"
#include "lib/mco/node_update.h"
#include "nlohmann/json.hpp"

namespace nodedevice {

// Which configuration an object of the controller is for, by its label; empty: it has none.
std::string ConfigOf(const nlohmann::json& object);

struct Taint {
  std::string key = {};
  std::string value = {};
  std::string effect = {};
  std::string time_added = {};  // as the API has it
  bool operator==(const Taint&) const = default;
};

struct ObservedNode {
  std::string name = {};
  std::string resource_version = {};
  WallSeconds created = {};
  Labels labels = {};
  std::vector<Taint> taints = {};
  // What its kubelet says of itself, or the cluster of a kubelet that is silent. A node that has no
  // such condition yet counts as ready: its agent will tell more.
  bool ready = true;
  WallSeconds ready_since = {};     // of that
  std::string not_ready_text = {};  // "KubeletNotReady: container runtime is down"
  NodeUpdate update = {};
  bool operator==(const ObservedNode&) const = default;
};
ObservedNode ReadNode(const nlohmann::json& object);

struct ResourceCount {
  std::string name = {};
  std::uint64_t announced = 0;
  std::uint64_t healthy = 0;
  std::uint64_t allocated = 0;
  bool operator==(const ResourceCount&) const = default;
};

// A NodeDeviceState: what the agent of one node said last. It may be dead by now.
struct ObservedState {
  std::string name = {};
  std::string uid = {};
  std::string node = {};
  std::string config = {};
  std::string config_uid = {};  // of its owner; empty: no owner
  WallSeconds created = {};
  std::int64_t generation = 0;    // of the configuration that is in force on the node
  std::string config_error = {};  // why a newer one is not
  std::string pod = {};           // the agent's; empty: it ran outside of one
  bool device_manager_up = false;
  WallSeconds device_manager_since = {};
  std::string device_manager_problem = {};  // with what the API said of that
  std::optional<bool> ready = {};           // nullopt: it has not said so yet
  WallSeconds ready_since = {};
  std::string reason = {};   // of Ready
  std::string message = {};  // of Ready
  // Whether its host is as spec.nodePreparation asks; nullopt: it has not said so.
  std::optional<bool> prepared = {};
  std::string lacking = {};  // what the host lacks of it
  std::vector<ResourceCount> resources = {};
  bool operator==(const ObservedState&) const = default;
};
ObservedState ReadState(const nlohmann::json& object);

// A pod of an agent.
struct ObservedPod {
  std::string name = {};
  std::string node = {};    // empty: not on one yet
  std::string config = {};  // by its label
  WallSeconds created = {};
  std::string problem = {};  // why it does not run: "ImagePullBackOff: ..."; empty: nothing known
  bool operator==(const ObservedPod&) const = default;
};
ObservedPod ReadPod(const nlohmann::json& object);

// Of the machine-config-operator's objects everything is kept, except of a MachineConfig that is
// not the controller's its spec, which may be large. Of metadata.managedFields only what the
// controller has applied itself is left.
nlohmann::json ReadMachineConfigPool(const nlohmann::json& object);
nlohmann::json ReadKubeletConfig(const nlohmann::json& object);
nlohmann::json ReadMachineConfig(const nlohmann::json& object);

// The ClusterVersion `version`: whether an upgrade of the cluster is running.
struct ObservedClusterVersion {
  bool is_upgrading = false;
  std::string text = {};  // "Working towards 4.16.3: 106 of 901 done"
};
ObservedClusterVersion ReadClusterVersion(const nlohmann::json& object);

// The Infrastructure `cluster`: whether the control plane is hosted outside of this cluster
// (HyperShift), where nobody in it configures kubelets.
bool HasHostedControlPlane(const nlohmann::json& infrastructure);

// It is complete: whoever fills it has listed every kind at least once, and knows that an API is
// absent rather than out of reach. A half of it would read as nodes that are gone.
struct Observed {
  WallSeconds now = {};
  std::vector<nlohmann::json> configs = {};  // DevicePluginConfigs
  std::vector<ObservedNode> nodes = {};
  // The items of MachineConfigPools; nullopt: no such API.
  std::optional<nlohmann::json> pools = {};
  std::vector<ObservedState> states = {};
  std::vector<ObservedPod> pods = {};            // in our namespace, with the agent's labels
  std::vector<nlohmann::json> daemon_sets = {};  // in our namespace, with the controller's label
  // The items of these; nullopt: no such API.
  std::optional<nlohmann::json> kubelet_configs = {};
  std::optional<nlohmann::json> machine_configs = {};
  // Of config.openshift.io; nullopt: no such API, or no such object.
  std::optional<ObservedClusterVersion> cluster_version = {};
  std::optional<bool> hosted_control_plane = {};  // HasHostedControlPlane
  std::optional<bool> gate_is_disabled = {};      // DisablesGate(FeatureGate, "DevicePlugins")
  bool has_scc = false;  // the API security.openshift.io: pods are admitted by SCCs
  // What the API said to the last write of an object, by ObjectName(), while that write fails.
  std::map<std::string, std::string> write_problems = {};

  // Of this object; empty: nothing, or that write was taken.
  std::string WriteProblemOf(const std::string& object) const {
    const auto problem = write_problems.find(object);
    return problem == write_problems.end() ? "" : problem->second;
  }
};

}  // namespace nodedevice
