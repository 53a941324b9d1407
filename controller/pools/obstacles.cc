#include "controller/pools/obstacles.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "controller/ownership.h"
#include "controller/pools/pool_objects.h"
#include "controller/pools/pool_relations.h"
#include "lib/base/utf8.h"
#include "lib/kube/object_fields.h"
#include "lib/mco/kubelet_config.h"
#include "lib/mco/machine_config_pool.h"
#include "lib/mco/refused_fields.h"

namespace nodedevice {
namespace {

using Json = nlohmann::json;
using Kind = KubeletConfigVerdict::Kind;

// The machine-config-operator numbers them with one digit.
constexpr std::size_t kMaxKubeletConfigs = 10;
constexpr std::size_t kMaxText = 512;

PoolReport Report(const PoolQuestion& question, PoolState state, std::string message) {
  return {NameOf(question.pool), state, std::move(message)};
}

// Whose it is: " of DevicePluginConfig worker-virt".
std::string OfConfig(const Json& kubelet_config) {
  const std::string config = ConfigOf(kubelet_config);
  return config.empty() ? "" : absl::StrCat(" of DevicePluginConfig ", config);
}

// Why it stops the pool.
std::string Freezes(const Json& other) {
  const KubeletConfigVerdict verdict = VerdictOf(other);
  const bool selects_all =
      LabelSelector(ValueAt(other, "/spec/machineConfigPoolSelector")).is_empty();
  std::string text = absl::StrCat(
      "KubeletConfig ", NameOf(other), OfConfig(other),
      selects_all ? " has an empty selector, which stops every pool" : " selects the pool",
      verdict.kind == Kind::kRejected
          ? absl::StrCat(" and is refused by the machine-config-operator (",
                         OneLine(verdict.message, kMaxText), ")")
          : " and is not accepted by the machine-config-operator yet");
  if (const std::vector<std::string> fields = RefusedFields(other); !fields.empty()) {
    absl::StrAppend(&text, "; the operator does not take its ", absl::StrJoin(fields, ", "));
  }
  absl::StrAppend(&text, ": until it is ",
                  verdict.kind == Kind::kRejected ? "corrected" : "accepted",
                  " or deleted, the pool gets no new configuration, upgrades included");
  return text;
}

// It configures the pool, or will.
bool Concerns(const Json& kubelet_config, const Json& pool) {
  if (AppliesTo(kubelet_config, pool)) return true;
  // One of ours may be on its way with the label still missing on the pool.
  const Labels labels = LabelsOf(kubelet_config);
  const auto label = labels.find(kPoolLabel);
  return !ConfigOf(kubelet_config).empty() && label != labels.end() &&
         label->second == PoolLabelValue(NameOf(pool));
}

bool SaysTheSame(const Json& other, const PoolQuestion& question) {
  return !ConfigOf(other).empty() &&
         ValueAt(other, "/spec/kubeletConfig") == ValueAt(question.wanted, "/spec/kubeletConfig");
}

// `other` configures a pool that shares MachineConfigs with ours; empty: it does not.
std::string Shares(const Json& other, const PoolQuestion& question) {
  const Json& pools = *question.observed.pools;
  const std::string pool = NameOf(question.pool);
  for (const Json* follower : Followers(pools, question.pool)) {
    if (!Concerns(other, *follower) || SaysTheSame(other, question)) continue;
    return absl::StrCat("KubeletConfig ", NameOf(other), OfConfig(other), " configures the pool ",
                        NameOf(*follower), ", which gets what is written for ", pool,
                        ", too: one would replace the other");
  }
  for (const Json* leader : Leaders(pools, question.pool)) {
    if (!Concerns(other, *leader) || SaysTheSame(other, question)) continue;
    return absl::StrCat("KubeletConfig ", NameOf(other), OfConfig(other), " configures the pool ",
                        NameOf(*leader), ", and ", pool,
                        " gets what is written for that, too: one would replace the other");
  }
  return "";
}

// Every KubeletConfig is a whole file for the kubelet, so a second one on a pool does not add to
// the first but silently replaces it.
std::string Rival(const PoolQuestion& question) {
  for (const Json& other : question.kubelet_configs) {
    if (IsOurs(other, question.config.name, question.config_uid)) continue;
    if (NameOf(other) == NameOf(question.wanted)) {
      return absl::StrCat("there is a KubeletConfig ", NameOf(other),
                          " that is not this configuration's: delete or rename it");
    }
    if (Concerns(other, question.pool)) {
      const std::string text = absl::StrCat(
          "KubeletConfig ", NameOf(other), OfConfig(other),
          " configures this pool already, and of two the newest replaces the other's settings: ");
      if (!ConfigOf(other).empty()) {
        return absl::StrCat(text, "let only one of these configurations manage the pool");
      }
      return absl::StrCat(
          text,
          "put what you need into that one, or delete it; with deviceManager.mode Observe this "
          "configuration needs none",
          FreezesPool(other, question.pool) ? absl::StrCat(". ", Freezes(other)) : "");
    }
    if (FreezesPool(other, question.pool)) return Freezes(other);
    if (std::string shares = Shares(other, question); !shares.empty()) return shares;
  }
  return "";
}

}  // namespace

std::optional<PoolReport> ClusterObstacle(const Observed& observed,
                                          const DevicePluginConfig& config) {
  if (observed.hosted_control_plane == true) {
    return PoolReport{"", PoolState::kHostedControlPlane,
                      "the control plane of this cluster is hosted outside of it (HyperShift), so "
                      "KubeletConfigs and MachineConfigs belong into the ConfigMaps of the "
                      "NodePool's spec.config: use deviceManager.mode Observe here"};
  }
  if (!observed.pools || !observed.kubelet_configs || !observed.machine_configs) {
    return PoolReport{"", PoolState::kNoMachineConfigOperator,
                      "this cluster has no machine-config-operator "
                      "(machineconfiguration.openshift.io), so there is nothing that mode Manage "
                      "could write: use deviceManager.mode Observe"};
  }
  if (!config.node_selector.empty()) {
    return PoolReport{"", PoolState::kNoPools,
                      "mode Manage works on MachineConfigPools: use spec.machineConfigPoolSelector "
                      "in the place of spec.nodeSelector"};
  }
  return std::nullopt;
}

std::optional<PoolReport> LastingObstacle(const PoolQuestion& question) {
  if (std::string rival = Rival(question); !rival.empty()) {
    return Report(question, PoolState::kForeignKubeletConfig, std::move(rival));
  }
  if (const std::vector<std::string> texts = DegradationOf(question.pool); !texts.empty()) {
    return Report(question, PoolState::kPoolDegraded,
                  absl::StrCat("the pool is degraded, so nothing is written before it is well: ",
                               OneLine(absl::StrJoin(texts, "; "), kMaxText)));
  }
  return std::nullopt;
}

std::optional<PoolReport> WritingObstacle(const PoolQuestion& question, bool is_new) {
  const Observed& observed = question.observed;
  if (is_new && question.kubelet_configs.size() >= kMaxKubeletConfigs) {
    return Report(question, PoolState::kTooManyKubeletConfigs,
                  absl::StrCat("the cluster has ", question.kubelet_configs.size(),
                               " KubeletConfigs, and the machine-config-operator takes no more "
                               "than ",
                               kMaxKubeletConfigs, ": delete those that nobody needs"));
  }
  if (!question.config.device_manager.allow_reboot) {
    return Report(question, PoolState::kRebootNotAllowed,
                  absl::StrCat("KubeletConfig ", NameOf(question.wanted), " is not written: it ",
                               ImpactOf(*observed.pools, question.pool, question.selection),
                               ". Set spec.deviceManager.allowReboot to true if that may be"));
  }
  if (observed.cluster_version && observed.cluster_version->is_upgrading) {
    return Report(question, PoolState::kClusterUpgrading,
                  absl::StrCat("nothing is written while the cluster is being upgraded: ",
                               OneLine(observed.cluster_version->text, kMaxText)));
  }
  if (IsPaused(question.pool)) {
    return Report(question, PoolState::kPoolPaused,
                  "the pool is paused, so nothing is written before somebody sets its spec.paused "
                  "to false");
  }
  return std::nullopt;
}

}  // namespace nodedevice
