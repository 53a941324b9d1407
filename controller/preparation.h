#pragma once

#include <optional>
#include <string>

#include "controller/conditions.h"
#include "controller/observed.h"
#include "controller/pools/pool_state.h"
#include "controller/tally.h"
#include "lib/api/device_plugin_config.h"
#include "nlohmann/json.hpp"

namespace nodedevice {

// Whether the nodes of a configuration are as its spec.nodePreparation asks, by the word of their
// agents. Whoever writes the MachineConfig, the nodes tell what came of it.
class NodePreparations {
 public:
  struct Context {
    const DevicePluginConfig& config;
    const nlohmann::json& status;  // of the configuration, so far
    const PoolsReport& pools;
    bool has_pools = false;  // MachineConfigPools, with an operator that serves them
    WallSeconds now = {};
  };

  // To be called for each node once; `word` is that of a living agent that has the newest
  // configuration in force, nullptr: there is none.
  void Add(const std::string& node, const ObservedState* word);

  // NodesPrepared; nullopt: nothing is asked for.
  std::optional<Condition> ToCondition(const Context& context) const;

  // Nodes lack something, and it is not on its way to them. After a MachineConfig has reached every
  // node that is not said for a while: what agents said before the reboot still stands there.
  bool NeedsALook(const Context& context) const;
  // When that may read differently though nothing had changed.
  std::optional<WallSeconds> LookAgain(const Context& context) const;

 private:
  std::uint64_t nodes_ = 0;
  std::uint64_t prepared_ = 0;
  Tally lacking_;
};

// The controller writes the MachineConfig by itself.
bool WritesPreparation(const DevicePluginConfig& config);

// What an administrator may apply for a pool in its place, as text; empty: the controller writes
// it, there is nothing to write, or it is too long to be shown (kMaxShownMachineConfig).
std::string MachineConfigForStatus(const DevicePluginConfig& config, const std::string& pool);
inline constexpr std::size_t kMaxShownMachineConfig = 32u << 10;

}  // namespace nodedevice
