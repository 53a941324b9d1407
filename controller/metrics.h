#pragma once

#include <vector>

#include "controller/snapshot.h"
#include "lib/service/request_statistics.h"
#include "prometheus/metric_family.h"

namespace nodedevice {

// nodedevice_controller_*: how the controller works. nodedevice_pool_*, nodedevice_fleet_* and
// nodedevice_config_condition: what it knows of its configurations, told by the leader only.
std::vector<prometheus::MetricFamily> ToMetrics(const ControllerSnapshot& snapshot,
                                                const RequestCounts& requests);

}  // namespace nodedevice
