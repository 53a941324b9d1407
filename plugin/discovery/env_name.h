#pragma once

#include <string>
#include <string_view>

namespace nodedevice {

// The variable in which a virtual machine's launcher looks for what it was given of a resource:
// "PCI_RESOURCE" and "nvidia.com/TU104GL-T4" -> "PCI_RESOURCE_NVIDIA_COM_TU104GL-T4". As KubeVirt
// does it, so '-' stays.
std::string KubeVirtVariable(std::string_view prefix, std::string_view resource);

// The one in which programs look that know the SR-IOV network device plugin:
// "intel.com/x710-vf" -> "PCIDEVICE_INTEL_COM_X710_VF".
std::string SriovVariable(std::string_view resource);

}  // namespace nodedevice
