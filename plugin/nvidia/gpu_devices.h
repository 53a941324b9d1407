#pragma once

// What NVIDIA's GPUs become: devices of resources. Pure.

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "lib/api/nvidia.h"
#include "plugin/device.h"
#include "plugin/nvidia/mig_minors.h"
#include "plugin/nvidia/nvml.h"

namespace nodedevice {

// What the files of the host say beside the driver.
struct GpuFiles {
  std::string dev_root;               // what stands before /dev on the host; empty, or a folder
  std::vector<std::string> controls;  // "/dev/nvidiactl", ...: those of all GPUs that are there
  MigMinors mig_minors;
  std::map<std::string, std::vector<int>> numa_nodes;  // by PCI bus id
};

// A device node as the container sees it, `path`, and where the host has it.
DeviceNode GpuNode(const GpuFiles& files, const std::string& path);

// What containers and CDI files call a GPU, or one of its MIG devices.
std::string GpuName(const Nvidia& nvidia, const Gpu& gpu, const MigDevice* mig);

// Why a GPU, or one of its MIG devices, must not be given away; empty: it may.
using GpuVerdict = std::function<std::string(const Gpu&, const MigDevice*)>;

struct GpuDevices {
  std::map<std::string, DeviceSet> resources;  // `resource` always among them
  std::vector<std::string> notes;              // why something is not announced
};

// The GPUs as devices of `resource`, with MIG devices as the strategy has it. Ids are UUIDs.
//
// With kSingle the MIG devices stand for the GPUs; when not all GPUs of the node are cut alike all
// of them are unhealthy, because a pod that asks for one cannot know what it gets. With kMixed
// those of a profile are a resource of their own, MigResourceName().
GpuDevices MakeGpuDevices(const std::string& resource, const Nvidia& nvidia, const Gpus& gpus,
                          const GpuFiles& files, const GpuVerdict& verdict);

// "nvidia.com/mig-1g.5gb" for the resource nvidia.com/gpu: '+' becomes '.'. A resource whose name
// ends in ".shared" gives its ending to those of its MIG devices.
std::string MigResourceName(const std::string& resource, const std::string& profile);

}  // namespace nodedevice
