#pragma once

#include <cstdint>
#include <vector>

#include "agent/snapshot.h"
#include "prometheus/metric_family.h"

namespace nodedevice {

// The nodedevice_* metrics as a view of one snapshot. Counters never go back while a plugin stays
// configured: the totals of its earlier processes are part of the snapshot. Of what a foreign
// (exec) plugin does with its resource only the kubelet's word is known.
std::vector<prometheus::MetricFamily> ToMetrics(const Snapshot& snapshot);

// The certificate that the metrics are served with, which expires at `not_after` (Unix seconds).
prometheus::MetricFamily CertificateExpiry(std::int64_t not_after);

}  // namespace nodedevice
