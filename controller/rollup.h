#pragma once

#include <optional>
#include <string>
#include <vector>

#include "controller/agent_index.h"
#include "controller/membership.h"
#include "controller/observed.h"
#include "controller/pools/pool_state.h"
#include "lib/api/device_plugin_config.h"
#include "nlohmann/json.hpp"

namespace nodedevice {

struct RollupInput {
  const Observed& observed;
  const AgentIndex& agents;
  const nlohmann::json& object;  // the DevicePluginConfig with its status so far
  const DevicePluginConfig& config;
  const Membership& membership;
  std::optional<Refusal> refusal;    // why it is not carried out
  bool may_run = true;               // whether it has agents, or is to have; they may be older
  const nlohmann::json* daemon_set;  // nullptr: there is none yet
  std::string daemon_set_name;       // "namespace/name"
  std::string write_problem;         // why it cannot be written; empty: nothing known
  PoolsReport pools = {};            // where its MachineConfigPools stand
  std::string taint_problem = {};    // why a startup taint cannot be written; empty: nothing known
};

struct Rollup {
  nlohmann::json status;
  std::optional<WallSeconds>
      look_again;  // when it would read differently though nothing had changed
};

// The status of one configuration (crds/), in one pass over its nodes.
//
// ConfigAccepted: every node has the newest generation in force; Unknown while they take it.
// DeviceManagerVerified: agents see it at work on every node; False as soon as one sees that it is
// not. Available: devices are announced, on one node at least; Unknown while it has no nodes.
// Progressing: agents are rolled out, pools get what is managed, or nodes are on the way
// (node_standing.h). Degraded: it is refused, or a node or a pool needs a look.
// NodesPrepared: only where there is spec.nodePreparation (preparation.h).
// PoolsConfigured: only where there is something to say of it (pools/pools_status.h).
Rollup RollUp(const RollupInput& input);

// Of a pool's nodes that need a look, so many are listed.
inline constexpr std::size_t kMaxFailing = 16;

}  // namespace nodedevice
