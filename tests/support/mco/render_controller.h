#pragma once

#include <map>
#include <optional>
#include <string>

#include "tests/support/mco/cluster.h"
#include "tests/support/mco/schedule.h"

namespace nodedevice::testing::mco {

// Makes one MachineConfig of all those that a pool selects, and names it in the pool's
// spec.configuration: some time after the pool or one of them has changed.
//
// A pool that a KubeletConfig selects which is not accepted is frozen: it is not rendered, only
// tried again as any failure is, and nothing says so. That an empty selector is applied to no pool
// does not help here: it freezes all.
class RenderController {
 public:
  RenderController(Duration delay, Retries retries) : delay_(delay), retries_(retries) {}

  void Step(const Cluster& cluster, const Moment& moment, Writes& writes);
  std::optional<TimePoint> NextTime() const;
  void Forget() { records_.clear(); }

 private:
  struct Record {
    std::string seen = {};  // all that makes it look again
    Due due = {};
    int failures = 0;
  };

  const Duration delay_;
  const Retries retries_;
  std::map<std::string, Record> records_;  // by the pool's name
};

}  // namespace nodedevice::testing::mco
