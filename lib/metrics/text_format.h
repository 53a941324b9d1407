#pragma once

#include <string>
#include <vector>

#include "prometheus/metric_family.h"

namespace nodedevice {

inline constexpr char kMetricsContentType[] = "text/plain; version=0.0.4; charset=utf-8";

// The families in the Prometheus text format, to be served as kMetricsContentType.
std::string ToMetricsText(const std::vector<prometheus::MetricFamily>& families);

}  // namespace nodedevice
