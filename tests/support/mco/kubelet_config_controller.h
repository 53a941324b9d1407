#pragma once

#include <map>
#include <optional>
#include <string>

#include "tests/support/mco/cluster.h"
#include "tests/support/mco/schedule.h"
#include "tests/support/mco/version.h"

namespace nodedevice::testing::mco {

// Makes a MachineConfig of each KubeletConfig for each pool that it selects.
//
// It looks at a KubeletConfig when that is new, when its spec has changed and when it is being
// deleted. At nothing else: a pool that gets its label later is seen at the next retry of a failure
// that is retried, and a change of labels never.
class KubeletConfigController {
 public:
  KubeletConfigController(OpenShift version, Retries retries)
      : version_(version), retries_(retries) {}

  void Step(const Cluster& cluster, const Moment& moment, Writes& writes);
  std::optional<TimePoint> NextTime() const;
  // As when the operator's pod is replaced: everything is looked at again.
  void Forget() { records_.clear(); }

 private:
  struct Record {
    nlohmann::json generation = nullptr;  // that was looked at last
    int failures = 0;                     // in a row
    std::optional<TimePoint> retry_at = {};
  };
  // What came of a KubeletConfig.
  struct Outcome {
    std::string error = {};  // the message; empty: accepted
    bool retry = false;
  };

  Outcome Sync(const Cluster& cluster, const nlohmann::json& config, Writes& writes) const;
  void WriteStatus(const nlohmann::json& config, const Outcome& outcome, WallSeconds now,
                   Writes& writes) const;

  const OpenShift version_;
  const Retries retries_;
  std::map<std::string, Record> records_;  // by uid
};

}  // namespace nodedevice::testing::mco
