#include "controller/preparation.h"

#include <algorithm>
#include <utility>

#include "controller/node_standing.h"
#include "controller/pools/machine_config.h"
#include "lib/kube/object_fields.h"

namespace nodedevice {
namespace {

using Json = nlohmann::json;
using Context = NodePreparations::Context;

bool HasReachedEveryNode(const Context& context) {
  return !context.pools.pools.empty() &&
         std::ranges::all_of(context.pools.pools, [](const PoolReport& report) {
           return report.state == PoolState::kComplete;
         });
}

// When an agent that has come back with its node must have spoken.
WallSeconds WordIsDue(const Context& context) {
  const Json& before = ConditionOf(context.status, "PoolsConfigured");
  const WallSeconds since = TextAt(before, "/status") == "True"
                                ? ReadApiTime(TextAt(before, "/lastTransitionTime"))
                                : context.now;
  return since + kPatience;
}

std::string WhatToDo(const Context& context) {
  if (!context.has_pools)
    return "Nothing in this cluster configures its hosts: change them by hand";
  if (!WritesPreparation(context.config)) {
    return "Apply the MachineConfigs in status.pools[].machineConfig, or let them be written, by "
           "spec.deviceManager.mode: Manage with allowReboot: true. Both restart nodes";
  }
  if (!HasReachedEveryNode(context))
    return "The MachineConfig is not on every node: see PoolsConfigured";
  return "Every node has the MachineConfig, so look on the node what became of it: "
         "`cat /proc/cmdline`, `journalctl -b -u systemd-modules-load`, `lspci -k`";
}

}  // namespace

void NodePreparations::Add(const std::string& node, const ObservedState* word) {
  ++nodes_;
  if (word == nullptr || !word->prepared) return;
  if (*word->prepared) {
    ++prepared_;
  } else {
    lacking_.Add(absl::StrCat(node, ": ", word->lacking));
  }
}

std::optional<Condition> NodePreparations::ToCondition(const Context& context) const {
  if (IsEmpty(context.config.node_preparation)) return std::nullopt;
  Condition condition{.type = "NodesPrepared"};
  if (nodes_ == 0) {
    condition.reason = "NoNodes";
    condition.message = "there is no node to look at";
  } else if (lacking_.count > 0) {
    condition.status = Truth::kFalse;
    condition.reason = "Lacking";
    condition.message = absl::StrCat(
        PartOf(lacking_.count, nodes_), lacking_.count == 1 ? " lacks" : " lack",
        " what spec.nodePreparation asks for: ", lacking_.ToString(), ". ", WhatToDo(context));
  } else if (prepared_ < nodes_) {
    condition.reason = "NotReported";
    condition.message = absl::StrCat(PartOf(prepared_, nodes_), " have it, no word of the others");
  } else {
    condition.status = Truth::kTrue;
    condition.reason = "AsAsked";
    condition.message =
        absl::StrCat("what spec.nodePreparation asks for is on ", PartOf(nodes_, nodes_));
  }
  return condition;
}

bool NodePreparations::NeedsALook(const Context& context) const {
  if (IsEmpty(context.config.node_preparation) || lacking_.count == 0) return false;
  if (!context.has_pools || !WritesPreparation(context.config)) return true;
  return HasReachedEveryNode(context) && WordIsDue(context) <= context.now;
}

std::optional<WallSeconds> NodePreparations::LookAgain(const Context& context) const {
  if (IsEmpty(context.config.node_preparation) || lacking_.count == 0) return std::nullopt;
  if (!HasReachedEveryNode(context)) return std::nullopt;
  const WallSeconds due = WordIsDue(context);
  return due > context.now ? std::optional(due) : std::nullopt;
}

bool WritesPreparation(const DevicePluginConfig& config) {
  return config.device_manager.mode == DeviceManagerSpec::Mode::kManage &&
         config.device_manager.allow_reboot;
}

std::string MachineConfigForStatus(const DevicePluginConfig& config, const std::string& pool) {
  if (IsEmpty(config.node_preparation) || WritesPreparation(config)) return "";
  std::string text = MachineConfigToApply(config.node_preparation, config.name, pool).dump(2);
  return text.size() <= kMaxShownMachineConfig ? std::move(text) : "";
}

}  // namespace nodedevice
