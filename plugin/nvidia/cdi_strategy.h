#pragma once

#include "lib/api/nvidia.h"
#include "plugin/allocation.h"

namespace nodedevice {

// Tells the CDI names of the answer in the ways that the strategies ask for: to the kubelet, which
// passes them on to the container runtime, or in one annotation, for a runtime that knows only that
// way. The annotation is called the same for the same devices. Pure.
void ApplyCdiStrategy(const Nvidia& nvidia, ContainerAnswer& answer);

}  // namespace nodedevice
