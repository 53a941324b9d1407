#pragma once

#include "plugin/affinity.h"
#include "plugin/nvidia/nvml.h"

namespace nodedevice {

// How well pairs of whole GPUs work together, as NVIDIA's own plugin counts it: the nearer they are
// on the buses, the more, and much more for each NVLink from one to the other. Pure.
Affinity MakeGpuAffinity(const Gpus& gpus);

}  // namespace nodedevice
