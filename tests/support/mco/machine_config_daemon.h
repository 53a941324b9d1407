#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/mco/cluster.h"
#include "tests/support/mco/schedule.h"

namespace nodedevice::testing::mco {

// A node begins to get another configuration.
struct NodeUpdate {
  std::string node;
  nlohmann::json machine_config;  // the rendered one
};

// The daemons of all nodes, which no real one of these has: each brings its node to the desired
// configuration. A node that is Degraded stays so until somebody else says otherwise.
class MachineConfigDaemon {
 public:
  // `waits`: an update takes until Finish() as well.
  MachineConfigDaemon(Duration update_time, bool waits)
      : update_time_(update_time), waits_(waits) {}

  void Step(const Cluster& cluster, const Moment& moment, Writes& writes,
            std::vector<NodeUpdate>& begun);
  std::optional<TimePoint> NextTime() const;

  // What had to be done on this node for its update is done; `error`: it could not be.
  void Finish(const std::string& node, const std::string& error);

 private:
  struct Run {
    std::string target;
    TimePoint ends;
    bool is_done = false;
    std::string error = {};
  };

  void StepNode(const nlohmann::json& node, const Cluster& cluster, TimePoint now, Writes& writes,
                std::vector<NodeUpdate>& begun);
  void Begin(const nlohmann::json& node, const Cluster& cluster, TimePoint now, Writes& writes,
             std::vector<NodeUpdate>& begun);

  const Duration update_time_;
  const bool waits_;
  std::map<std::string, Run> runs_;  // by node
};

}  // namespace nodedevice::testing::mco
