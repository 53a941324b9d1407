#pragma once

#include <vector>

#include "agent/snapshot.h"
#include "prometheus/metric_family.h"

namespace nodedevice {

// The nodedevice_* metrics as a view of one snapshot. Counters never go back while a plugin stays
// configured: the totals of its earlier processes are part of the snapshot. Of what a foreign
// (exec) plugin does with its resource only the kubelet's word is known.
std::vector<prometheus::MetricFamily> ToMetrics(const Snapshot& snapshot);

}  // namespace nodedevice
