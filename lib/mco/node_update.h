#pragma once

#include <string>

#include "nlohmann/json.hpp"

namespace nodedevice {

// What the machine-config-daemon does to a node, as it annotates it.
struct NodeUpdate {
  enum class Kind {
    kNone,      // nothing, or the node has no such daemon
    kUpdating,  // it brings the node to another configuration, which may restart the kubelet or
                // reboot
    kFailed,    // it could not, and tries again
  };
  Kind kind = Kind::kNone;
  std::string state = {};    // its own word: "Working", "Rebooting", "Degraded" ...
  std::string current = {};  // the rendered configuration that the node has
  std::string desired = {};  // the one that it is to have
  std::string reason = {};   // kFailed: why

  bool operator==(const NodeUpdate&) const = default;
};

// Any JSON gives an answer.
NodeUpdate UpdateOf(const nlohmann::json& node);

}  // namespace nodedevice
