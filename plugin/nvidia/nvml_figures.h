#pragma once

#include <cstdint>
#include <optional>

#include "lib/api/plugin_report.h"
#include "plugin/nvidia/nvml_abi.h"

namespace nodedevice {

// What NVIDIA's library says of the use of a device. Each function may be null: the library is too
// old for it. What it lacks, or answers with an error, is a figure that is absent.
//
// The calls may block, as all of the library.
struct NvmlFigures {
  nvml::Return (*get_memory)(nvml::Device, nvml::Memory*) = nullptr;
  nvml::Return (*get_samples)(nvml::Device, int, unsigned long long, int*, unsigned*,
                              nvml::Sample*) = nullptr;
  nvml::Return (*get_utilization)(nvml::Device, nvml::Utilization*) = nullptr;

  // Of a GPU or of a MIG device, without its id.
  DeviceFigures Of(nvml::Device device, bool mig) const;

 private:
  std::optional<std::uint64_t> DutyCycleOf(nvml::Device device) const;
};

}  // namespace nodedevice
