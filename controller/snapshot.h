#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "lib/base/clock.h"
#include "lib/metrics/duration_histogram.h"
#include "nlohmann/json.hpp"

namespace nodedevice {

// What the controller says of itself and of its configurations: metrics and readiness are views of
// it.
struct ControllerSnapshot {
  TimePoint looked_at;  // when its loop last had a turn

  bool leads = false;
  std::string lease_problem = {};          // why the lease cannot be looked at
  std::vector<std::string> missing = {};   // leading: what of the cluster it has not seen yet
  std::vector<std::string> problems = {};  // leading: why what it has seen may be old

  DurationHistogram plans = {};  // how long it took to think about everything
  // By kind ("DaemonSet"), verb ("apply") and result ("ok", "error").
  std::map<std::vector<std::string>, std::uint64_t> writes = {};
  DurationHistogram write_durations = {};
  std::size_t queue_depth = 0;
  std::size_t queue_waiting = 0;
  std::size_t failing_writes = 0;

  std::vector<std::pair<std::string, nlohmann::json>> statuses = {};  // of configurations, by name
};

}  // namespace nodedevice
