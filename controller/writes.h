#pragma once

// What the controller writes to the API. Each of these may be repeated, and is right on its own: a
// controller that is killed between two of them, or its successor, goes on by what it observes.

#include <string>

#include "nlohmann/json.hpp"

namespace nodedevice {

// The field manager of everything but what ApplyTo names otherwise.
inline constexpr char kFieldManager[] = "node-device-controller";

// An object to delete, and no other of the same name: the uid is the precondition.
struct Removal {
  std::string kind;        // DaemonSet, NodeDeviceState, KubeletConfig, MachineConfig
  std::string name_space;  // empty: cluster-scoped
  std::string name;
  std::string uid;
  bool operator==(const Removal&) const = default;
};

// A server-side apply of `object`, which names its kind and holds all that the field manager owns.
struct Apply {
  nlohmann::json object;
  std::string field_manager = kFieldManager;
  // Takes fields over from others. Only for objects that are ours as a whole.
  bool force = true;
  // Send it with dryRun=All and fieldValidation=Strict first, and write nothing when that is
  // refused: what the API takes and the machine-config-operator does not stops a whole pool.
  bool dry_run_first = false;
  bool operator==(const Apply&) const = default;
};

// A merge patch of a Node's spec.taints, as a whole, that must not hit a newer version of the node:
// `patch` carries the resourceVersion. On a conflict nothing is to be done but to observe again.
struct NodePatch {
  std::string node;
  nlohmann::json patch;
  bool operator==(const NodePatch&) const = default;
};

}  // namespace nodedevice
