#pragma once

// Shares of GPUs as clients of CUDA's Multi-Process Service (MPS), as NVIDIA's own plugin has them:
// each resource has a control daemon of its own, which NVIDIA's mps-control-daemon starts and gives
// its limits (memory of the GPU by replicas, 100 % of its threads by replicas). Contract: section
// 2.2 of the contracts of device plugins.
//
// Of that daemon's folder on the host, <mpsRoot>/<resource>, this is used:
//   .started      made when the daemon runs with its limits, removed before it ends
//   pipe/control  the socket by which a program of a container finds it
// and <mpsRoot>/shm, the memory that the daemon and its clients share.

#include <filesystem>
#include <set>
#include <string>

#include "lib/api/nvidia.h"
#include "lib/base/host_root.h"
#include "plugin/device.h"

namespace nodedevice {

// Why a container could not use the daemon of `resource`, with what is to be done; empty: it is at
// work. Blocks on the file system only: whether a process stands behind the socket is asked with a
// kind of connection that it cannot take, so that the daemon notices nothing.
std::string MpsProblem(const HostRoot& host, const Nvidia& nvidia, const std::string& resource);

// Where a change of that shows.
std::set<std::filesystem::path> MpsDirectories(const HostRoot& host, const Nvidia& nvidia,
                                               const std::string& resource);

// Adds to each device what makes a container a client: the variable CUDA_MPS_PIPE_DIRECTORY, the
// folder of pipes as /mps/<resource>/pipe, and the shared memory as /dev/shm. Makes those that are
// well unhealthy for `problem`, unless it is empty. Pure.
void AddMps(const Nvidia& nvidia, const std::string& resource, const std::string& problem,
            DeviceSet& devices);

}  // namespace nodedevice
