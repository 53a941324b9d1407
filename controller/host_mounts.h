#pragma once

#include <string>
#include <vector>

#include "lib/api/device_plugin_config.h"

namespace nodedevice {

// A folder of the host that the agent's container has to see.
struct HostMount {
  std::string host_path;
  std::string mount_path;
  bool create = false;  // it may be missing on a node, which must not keep the agent from starting
  bool writable = false;
  bool operator==(const HostMount&) const = default;
};

// What the plugins of a configuration have to see of the host, beside the kubelet's own folders
// that each agent has.
struct HostMounts {
  bool dev = false;                     // /dev, as a whole
  bool sys = false;                     // /sys
  bool dev_writable = false;            // with dev
  bool sys_writable = false;            // with sys
  std::vector<HostMount> folders = {};  // sorted by where they are mounted
  bool operator==(const HostMounts&) const = default;
};

// The least that serves: nothing for an entry that needs nothing. Paths of a group are looked for
// below /host. Of /etc, /opt, /run and /usr the whole is mounted, because what is below may come
// and go, and such a mount would stay with what is gone; of /var, where the kubelet keeps the
// secrets of all pods, only the folder that holds the path.
//
// /sys can be written to where an entry binds drivers. For crypto cards it can, since nodes are
// made there, and so can /dev, where they get their permissions, and the folder in which that is
// put together what containers see of /sys.
//
// For GPUs the folder of the driver is needed, and what the kernel module says in /proc/driver.
// Where CDI files are written, the folder can be written to.
//
// The folder of an exec entry's program is mounted at its own path when it is below /opt, /var or
// /usr/local; a program elsewhere is taken for one that the image has.
HostMounts MountsFor(const std::vector<PluginSpec>& plugins);

}  // namespace nodedevice
