#pragma once

// Everything that the controller has read of the cluster, as one value: what MakePlan thinks about.
// Of nodes, states and pods, of which there are thousands, only what is thought about is kept; each
// has a reader, which takes any JSON.

#include <cstdint>
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
  bool operator==(const Taint&) const = default;
};

struct ObservedNode {
  std::string name = {};
  WallSeconds created = {};
  Labels labels = {};
  std::vector<Taint> taints = {};
  // What its kubelet says of itself, or the cluster of a kubelet that is silent. A node that has no
  // such condition yet counts as ready: its agent will tell more.
  bool ready = true;
  WallSeconds ready_since = {};     // of that
  std::string not_ready_text = {};  // "KubeletNotReady: container runtime is down"
  NodeUpdate update = {};
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
  std::string config_uid = {};    // of its owner; empty: no owner
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
  std::vector<ResourceCount> resources = {};
};
ObservedState ReadState(const nlohmann::json& object);

// A pod of an agent.
struct ObservedPod {
  std::string name = {};
  std::string node = {};    // empty: not on one yet
  std::string config = {};  // by its label
  WallSeconds created = {};
  std::string problem = {};  // why it does not run: "ImagePullBackOff: ..."; empty: nothing known
};
ObservedPod ReadPod(const nlohmann::json& object);

// It is complete: whoever fills it has listed every kind at least once, and knows that an API is
// absent rather than out of reach. A half of it would read as nodes that are gone.
struct Observed {
  WallSeconds now = {};
  std::vector<nlohmann::json> configs = {};  // DevicePluginConfigs
  std::vector<ObservedNode> nodes = {};
  std::optional<nlohmann::json> pools =
      {};  // the items of MachineConfigPools; nullopt: no such API
  std::vector<ObservedState> states = {};
  std::vector<ObservedPod> pods = {};            // in our namespace, with the agent's labels
  std::vector<nlohmann::json> daemon_sets = {};  // in our namespace, with the controller's label
  bool has_scc = false;  // the API security.openshift.io: pods are admitted by SCCs
};

}  // namespace nodedevice
