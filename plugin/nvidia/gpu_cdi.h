#pragma once

#include <string>
#include <vector>

#include "lib/api/nvidia.h"
#include "plugin/cdi_spec.h"
#include "plugin/nvidia/gpu_devices.h"
#include "plugin/nvidia/nvml.h"

namespace nodedevice {

inline constexpr char kGpuCdiKind[] = "k8s.device-plugin.nvidia.com/gpu";

// What of the driver's own files a container needs beside device nodes.
struct DriverFiles {
  // Libraries under each of their names, and programs; as the host and the container see them.
  std::vector<DeviceMount> mounts;
  std::vector<std::string> folders;  // in the container, that hold the libraries
  std::string hook;                  // nvidia-ctk on the host; empty: it is not there
  bool operator==(const DriverFiles&) const = default;
};

// The file that tells the container runtime what the names of GPUs and MIG devices mean. Pure.
CdiSpec MakeGpuCdi(const Nvidia& nvidia, const Gpus& gpus, const GpuFiles& files,
                   const DriverFiles& driver);

// Reads the driver's files below its root: libraries whose names end with its version, in the
// folders in which FindNvml looks, and what it brings along of programs.
DriverFiles ReadDriverFiles(const HostRoot& host, const std::string& driver_root,
                            const std::string& driver_version);

}  // namespace nodedevice
