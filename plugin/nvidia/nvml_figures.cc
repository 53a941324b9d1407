#include "plugin/nvidia/nvml_figures.h"

#include <algorithm>
#include <chrono>
#include <vector>

namespace nodedevice {
namespace {

// A duty cycle is the mean of the driver's samples of this time, as with Google's plugin.
constexpr std::chrono::seconds kDutyCycleTime(10);
// The driver keeps about a hundred.
constexpr unsigned kMostSamples = 4096;

}  // namespace

std::optional<std::uint64_t> NvmlFigures::DutyCycleOf(nvml::Device device) const {
  const auto since = std::chrono::duration_cast<std::chrono::microseconds>(
      std::chrono::system_clock::now().time_since_epoch() - kDutyCycleTime);
  const auto get = [&](unsigned& count, nvml::Sample* samples) {
    int type = 0;
    return get_samples(device, nvml::kGpuUtilizationSamples,
                       static_cast<unsigned long long>(since.count()), &type, &count,
                       samples) == nvml::kSuccess &&
           (samples == nullptr || type == nvml::kUnsignedInt);
  };
  if (unsigned room = 0; get_samples != nullptr && get(room, nullptr) && room > 0) {
    std::vector<nvml::Sample> samples(std::min(room, kMostSamples));
    auto count = static_cast<unsigned>(samples.size());
    if (get(count, samples.data()) && count > 0 && count <= samples.size()) {
      std::uint64_t sum = 0;
      for (unsigned i = 0; i < count; ++i) sum += samples[i].value.number;
      return (sum + count / 2) / count;
    }
  }
  nvml::Utilization utilization = {};
  if (get_utilization == nullptr || get_utilization(device, &utilization) != nvml::kSuccess) {
    return std::nullopt;
  }
  return utilization.gpu;
}

DeviceFigures NvmlFigures::Of(nvml::Device device, bool mig) const {
  DeviceFigures figures;
  // Of MIG devices the driver does not say it.
  if (!mig) figures.duty_cycle_percent = DutyCycleOf(device);
  nvml::Memory memory = {};
  if (get_memory != nullptr && get_memory(device, &memory) == nvml::kSuccess) {
    figures.memory_total_bytes = memory.total;
    figures.memory_used_bytes = memory.used;
  }
  return figures;
}

}  // namespace nodedevice
