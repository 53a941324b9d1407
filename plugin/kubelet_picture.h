#pragma once

#include "lib/api/kubelet_report.h"
#include "proto/podresources.pb.h"

namespace nodedevice {

// The two answers of the kubelet's podresources API as one report. Pure. The kubelet lists a device
// once for each of its NUMA nodes; here each counts once.
KubeletReport ToKubeletReport(const v1::AllocatableResourcesResponse& allocatable,
                              const v1::ListPodResourcesResponse& pods);

}  // namespace nodedevice
