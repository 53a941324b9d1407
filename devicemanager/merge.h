#pragma once

#include <map>
#include <string>
#include <vector>

#include "nlohmann/json.hpp"
#include "proto/deviceplugin.pb.h"

namespace nodedevice::devicemanager {

// What the container runtime is told on behalf of all device plugins of one container.
struct ContainerSpec {
  struct Mount {
    std::string host_path;
    bool read_only = false;
    bool operator==(const Mount&) const = default;
  };
  struct DeviceNode {
    std::string host_path;
    std::string permissions;
    bool operator==(const DeviceNode&) const = default;
  };

  std::map<std::string, std::string> envs;
  std::map<std::string, Mount> mounts;        // by path in the container
  std::map<std::string, DeviceNode> devices;  // by path in the container
  std::map<std::string, std::string> annotations;
  std::vector<std::string> cdi_devices;  // each once, in the order of the answers
  // For people: what two answers give different values, both values, and which of them is used.
  std::vector<std::string> conflicts;
};

// Merges the answers of a container's resources, in the order of the resource names: the first one
// wins for an env name, a path in the container or an annotation. A kubelet goes through them in
// random order, so there any of them may win, another one at each start of the container: every
// conflict is a fault of the plugins.
ContainerSpec Merge(const std::map<std::string, v1beta1::ContainerAllocateResponse>& by_resource);

// {"envs","mounts","devices","annotations","cdiDevices","conflicts"}.
nlohmann::ordered_json ToJson(const ContainerSpec& spec);

}  // namespace nodedevice::devicemanager
