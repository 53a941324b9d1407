#include "agent/missing_manager.h"

#include <optional>
#include <string_view>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "lib/base/utf8.h"
#include "lib/kube/object_fields.h"
#include "lib/mco/feature_gate.h"
#include "lib/mco/kubelet_config.h"
#include "lib/mco/machine_config_pool.h"
#include "lib/mco/node_update.h"

namespace nodedevice {
namespace {

using Json = nlohmann::json;
using Findings = std::vector<std::string>;

constexpr char kGate[] = "DevicePlugins";
constexpr std::size_t kMaxName = 253;
constexpr std::size_t kMaxMessage = 300;
constexpr std::size_t kMaxFinding = 768;
constexpr std::size_t kRoomForTheCount = 32;

std::string Name(std::string_view text) { return OneLine(text, kMaxName); }

// "<before><message>", and nothing when there is no message.
std::string Clause(std::string_view before, std::string_view message) {
  const std::string line = OneLine(message, kMaxMessage);
  return line.empty() ? "" : absl::StrCat(std::string(before), line);
}

// " (state Working), from rendered-worker-a to rendered-worker-b", as far as it is known.
std::string Progress(const NodeUpdate& update) {
  std::string text = Clause(" (state ", update.state);
  if (!text.empty()) text += ")";
  if (update.current != update.desired && !update.current.empty() && !update.desired.empty()) {
    absl::StrAppend(&text, ", from ", Name(update.current), " to ", Name(update.desired));
  }
  return text;
}

void FindUpdate(const ClusterView& view, Findings& causes) {
  const NodeUpdate update = UpdateOf(view.node);
  switch (update.kind) {
    case NodeUpdate::Kind::kNone:
      return;
    case NodeUpdate::Kind::kUpdating:
      causes.push_back(
          absl::StrCat("node ", view.node_name, " is being updated by the machine-config-operator",
                       Progress(update), ": the kubelet comes back when that is done"));
      return;
    case NodeUpdate::Kind::kFailed:
      causes.push_back(absl::StrCat("the machine-config-operator could not update node ",
                                    view.node_name, Progress(update), Clause(": ", update.reason)));
      return;
  }
}

void FindReadiness(const ClusterView& view, Findings& causes) {
  if (!view.has_node) {
    causes.push_back(absl::StrCat("the API knows no node ", view.node_name,
                                  ": its kubelet has not registered it, somebody deleted it, or "
                                  "--node-name is wrong; look on "
                                  "the node at `journalctl -u kubelet`"));
    return;
  }
  if (!view.node.is_object()) return;
  for (const Json& condition : ListAt(view.node, "/status/conditions")) {
    if (TextAt(condition, "/type") != "Ready") continue;
    const std::string status = TextAt(condition, "/status");
    if (status == "True") return;
    const std::string since = Clause(" since ", TextAt(condition, "/lastTransitionTime"));
    const std::string message = Clause(": ", TextAt(condition, "/message"));
    causes.push_back(status == "Unknown"
                         ? absl::StrCat("the kubelet of node ", view.node_name,
                                        " stopped reporting, Ready is Unknown", since, message)
                         : absl::StrCat("node ", view.node_name, " is NotReady", since, message));
    return;
  }
  causes.push_back(absl::StrCat("the kubelet has not told the API yet whether node ",
                                view.node_name,
                                " is ready; look on the node at `journalctl -u kubelet`"));
}

// 25 of "v1.25.4+77bec7a"; nullopt for anything else.
std::optional<int> MinorOf(std::string_view version) {
  static constexpr std::string_view kMajor = "v1.";
  if (!version.starts_with(kMajor)) return std::nullopt;
  version.remove_prefix(kMajor.size());
  version = version.substr(0, version.find_first_not_of("0123456789"));
  int minor = 0;
  if (!absl::SimpleAtoi(absl::string_view(version.data(), version.size()), &minor)) {
    return std::nullopt;
  }
  return minor;
}

// What a kubelet makes of the gate when it is off depends on its age.
void FindGate(const ClusterView& view, Findings& causes) {
  if (!DisablesGate(view.feature_gate, kGate)) return;
  const std::string version = TextAt(view.node, "/status/nodeInfo/kubeletVersion");
  const std::optional<int> minor = MinorOf(version);
  constexpr int kLocked = 26;  // the gate may be named, but not be off
  constexpr int kGone = 28;    // nobody reads it any more
  if (minor && *minor >= kGone) return;
  const std::string effect =
      !minor ? std::string(
                   "a kubelet up to v1.25 runs no Device Manager then, v1.26 and v1.27 do "
                   "not start")
             : absl::StrCat("the kubelet, ", Name(version),
                            *minor < kLocked ? ", runs no Device Manager" : ", does not start");
  causes.push_back(absl::StrCat("the FeatureGate cluster disables ", kGate, ", so ", effect,
                                ": take ", kGate, " out of its spec.customNoUpgrade.disabled"));
}

void FindPoolTrouble(const Json& pool, const std::string& name, Findings& circumstances) {
  if (const std::vector<std::string> texts = DegradationOf(pool); !texts.empty()) {
    circumstances.push_back(absl::StrCat("MachineConfigPool ", name, " is degraded",
                                         Clause(": ", absl::StrJoin(texts, "; "))));
  }
  if (IsPaused(pool)) {
    circumstances.push_back(absl::StrCat("MachineConfigPool ", name,
                                         " is paused: its nodes get no new configuration before "
                                         "somebody sets its spec.paused to false"));
  }
}

void FindKubeletConfigTrouble(const Json& config, const Json& pool, const std::string& pool_name,
                              Findings& circumstances) {
  const std::string name = Name(TextAt(config, "/metadata/name"));
  if (FreezesPool(config, pool)) {
    const KubeletConfigVerdict verdict = VerdictOf(config);
    const bool is_rejected = verdict.kind == KubeletConfigVerdict::Kind::kRejected;
    circumstances.push_back(
        absl::StrCat("KubeletConfig ", name, ", which selects MachineConfigPool ", pool_name,
                     AppliesTo(config, pool) ? "" : " and every other by an empty selector",
                     is_rejected ? ", was refused by the machine-config-operator"
                                 : ", has not been accepted by the machine-config-operator yet",
                     Clause(": ", verdict.message),
                     is_rejected && HasRefusedFeatureGates(config)
                         ? "; the Device Manager needs no featureGates, take them out"
                         : "",
                     "; until it is ", is_rejected ? "corrected" : "accepted",
                     " or deleted the pool gets no new configuration"));
  } else if (AppliesTo(config, pool) && HasUnreadFeatureGates(config)) {
    circumstances.push_back(absl::StrCat("KubeletConfig ", name,
                                         " sets feature-gates, which no kubelet of this "
                                         "cluster reads: it does not enable the Device Manager"));
  }
}

void FindPools(const ClusterView& view, Findings& circumstances) {
  const Json& pools = ListAt(view.pools, "");
  if (pools.empty() || !view.node.is_object()) return;
  const NodePool pool = PoolOfNode(view.node, pools);
  if (!pool.rivals.empty()) {
    circumstances.push_back(absl::StrCat(
        "the custom MachineConfigPools ", OneLine(absl::StrJoin(pool.rivals, ", "), kMaxMessage),
        " all select node ", view.node_name,
        ": the machine-config-operator updates it by none of them until it has the label of one "
        "only"));
    return;
  }
  if (pool.name.empty()) {
    circumstances.push_back(absl::StrCat("no MachineConfigPool selects node ", view.node_name,
                                         ": the machine-config-operator leaves its kubelet alone"));
    return;
  }
  const Json& found = Named(pools, pool.name);
  const std::string name = Name(pool.name);
  FindPoolTrouble(found, name, circumstances);
  for (const Json& config : ListAt(view.kubelet_configs, "")) {
    FindKubeletConfigTrouble(config, found, name, circumstances);
  }
}

// The first findings that there is room for, and how many more there are.
Findings Bounded(Findings all) {
  Findings kept;
  std::size_t room = kMaxExplanation - kRoomForTheCount;
  for (std::string& finding : all) {
    finding = OneLine(finding, kMaxFinding);
    if (kept.size() + 1 == kMaxFindings || finding.size() > room) break;
    room -= finding.size();
    kept.push_back(std::move(finding));
  }
  if (kept.size() < all.size()) {
    kept.push_back(absl::StrCat("and ", all.size() - kept.size(), " more"));
  }
  return kept;
}

}  // namespace

Findings ExplainMissingManager(ClusterView view) {
  view.node_name = Name(view.node_name);
  Findings findings;
  FindUpdate(view, findings);
  FindReadiness(view, findings);
  FindGate(view, findings);
  if (findings.empty()) {
    findings.push_back(absl::StrCat(
        "the API shows no reason why the Device Manager is down, though it may take a minute to "
        "notice a dead kubelet: look on node ",
        view.node_name, " at `systemctl status kubelet` and `journalctl -u kubelet`"));
  }
  FindPools(view, findings);
  return Bounded(std::move(findings));
}

}  // namespace nodedevice
