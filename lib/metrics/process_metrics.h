#pragma once

#include <filesystem>
#include <vector>

#include "prometheus/metric_family.h"

namespace nodedevice {

// The process_* metrics that every Prometheus client exports, of the process whose folder in a proc
// file system is `proc`/self. A value that cannot be read is left out. Any thread.
std::vector<prometheus::MetricFamily> ProcessMetrics(const std::filesystem::path& proc = "/proc");

}  // namespace nodedevice
