#pragma once

#include <string>
#include <vector>

#include "lib/api/mount_edit.h"

namespace nodedevice {

// A device node that a static device brings into the container.
struct StaticNode {
  std::string path;            // on the host, without wildcards
  std::string container_path;  // empty: the same
  std::string permissions = "rw";
  bool operator==(const StaticNode&) const = default;
};

// Devices that the configuration itself names; for tests and for trying things out.
struct StaticDevice {
  std::string id;
  bool healthy = true;
  std::string reason;  // why it is unhealthy
  std::vector<int> numa_nodes;
  std::vector<StaticNode> nodes = {};
  std::vector<MountEdit> mounts = {};
  bool operator==(const StaticDevice&) const = default;
};

struct Static {
  std::vector<StaticDevice> devices;
  // A variable that lists the ids of the devices that a container was given; empty: none.
  std::string ids_env = {};
  // What a device brings is said in a CDI file of this kind, "vendor.example/class", and the
  // container is given the device's name; empty: no CDI.
  std::string cdi_kind = {};
  // Nothing is registered before this file has been seen missing; empty: no such file.
  std::string hold_file = {};
  bool operator==(const Static&) const = default;
};

}  // namespace nodedevice
