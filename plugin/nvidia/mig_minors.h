#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "plugin/nvidia/nvml.h"

namespace nodedevice {

// The minor numbers of what opens MIG devices, /dev/nvidia-caps/nvidia-cap<minor>, by the name that
// the kernel module gives it: "gpu0/gi1/access", "gpu0/gi1/ci0/access".
using MigMinors = std::map<std::string, int, std::less<>>;

// Reads /proc/driver/nvidia-caps/mig-minors: a name and a number a line. Lines that are none are
// left out.
MigMinors ParseMigMinors(std::string_view text);

// The device nodes that open a MIG device of /dev/nvidia<gpu_minor>, without the folder they are
// below; empty when the kernel module does not know it.
std::vector<std::string> MigCapNodes(const MigMinors& minors, unsigned gpu_minor,
                                     const MigDevice& device);

}  // namespace nodedevice
