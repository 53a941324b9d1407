#pragma once

#include <vector>

#include "agent/snapshot.h"
#include "prometheus/metric_family.h"

namespace nodedevice {

// The nodedevice_* metrics as a view of one snapshot. Counters never go back while a plugin stays
// configured: the totals of its earlier processes are part of the snapshot. What a foreign (exec)
// plugin does with its resource is not known and has no series.
std::vector<prometheus::MetricFamily> ToMetrics(const Snapshot& snapshot);

}  // namespace nodedevice
