#pragma once

// GPUs as Google's plugin for Container-Optimized OS finds them: by their device nodes and by what
// the kernel module says in /proc, without the driver's library.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/api/plugin_report.h"
#include "lib/base/host_root.h"
#include "plugin/nvidia/nvml.h"

namespace nodedevice {

struct CosPartition {
  unsigned gpu_instance = 0;
  std::vector<std::string>
      nodes;            // that open it: of the GPU, the instance, and what computes in it
  std::string problem;  // empty: all of them are known
  bool operator==(const CosPartition&) const = default;
};

struct CosGpu {
  unsigned minor = 0;                    // of /dev/nvidia<minor>
  std::string pci_bus_id;                // "0000:3b:00.0"; empty: not known
  std::vector<CosPartition> partitions;  // by instance
  bool operator==(const CosGpu&) const = default;
};

// The GPUs that have a device node, by minor number, with the MIG partitions that
// /proc/driver/nvidia/capabilities shows.
std::vector<CosGpu> ReadCosGpus(const HostRoot& host);

// What they are announced as.
std::string CosName(unsigned minor);                                  // "nvidia0"
std::string CosPartitionName(unsigned minor, unsigned gpu_instance);  // "nvidia0/gi3"

// The figures of GPUs and MIG devices, which the driver calls by UUIDs, by the names that GPUs and
// partitions have here. What `gpus`, the driver's own list, does not know is left out.
std::vector<DeviceFigures> CosFigures(const Gpus& gpus, std::vector<DeviceFigures> figures);

// How many partitions of this size a GPU is cut into; nullopt when there is no such size.
std::optional<int> PartitionsOfSize(std::string_view size);

// Why not all GPUs are cut into partitions of this size; empty: they are.
std::string PartitionProblem(const std::vector<CosGpu>& gpus, const std::string& size);

}  // namespace nodedevice
