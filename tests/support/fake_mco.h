#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/mco/cluster.h"
#include "tests/support/mco/kubelet_config_controller.h"
#include "tests/support/mco/machine_config_daemon.h"
#include "tests/support/mco/node_controller.h"
#include "tests/support/mco/render_controller.h"
#include "tests/support/mco/version.h"

namespace nodedevice::testing {

// OpenShift's Machine Config Operator, as it was seen to behave: what it makes of KubeletConfigs,
// MachineConfigs and pools, and how nodes follow. A value: it is given the cluster and the time,
// and says what to write. FakeMcoOperator plays it on an API server.
//
// What it leaves out: cordon and drain, MachineConfigNodes, images and their layers,
// ContainerRuntimeConfigs, and that the operator of a real cluster degrades a pool that it cannot
// render.
class FakeMco {
 public:
  struct Options {
    mco::OpenShift version = mco::OpenShift::k5_0;
    // As of the real one. A change of a KubeletConfig takes both delays until the pool says so.
    Duration render_delay = std::chrono::seconds(5);
    Duration status_delay = std::chrono::seconds(5);  // also until nodes are told
    Duration update_time = std::chrono::seconds(6);   // of one node
    mco::Retries retries = {};
    // How far its wall clock, by which it dates what it says, is behind (FakeMcoOperator).
    std::chrono::seconds wall_behind{0};
    bool updates_are_finished_by_others = false;  // a node is not Done before FinishUpdate()
  };
  struct Decision {
    mco::Writes writes = {};                      // in this order
    std::vector<mco::NodeUpdate> updates = {};    // that begin
    std::optional<TimePoint> look_again_at = {};  // even if nothing changes; nullopt: never
  };

  explicit FakeMco(const Options& options);

  // To be called again, with what the writes have made of the cluster, until there are none, and
  // then whenever something has changed. The pools master and worker and the MachineConfigs that
  // every cluster has are made when they are missing.
  Decision Step(const mco::Cluster& cluster, const mco::Moment& moment);

  // What had to be done on this node is done; `error`: why it could not be, which degrades the
  // node. Empty: it could.
  void FinishUpdate(const std::string& node, const std::string& error);

  // The writes of a decision were not done, or not all: everything is looked at again.
  void ForgetWhatWasSeen();

 private:
  mco::KubeletConfigController kubelet_configs_;
  mco::RenderController render_;
  mco::NodeController nodes_;
  mco::MachineConfigDaemon daemon_;
};

}  // namespace nodedevice::testing
