#include "controller/pools/rollout.h"

#include <algorithm>
#include <set>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "controller/conditions.h"
#include "lib/kube/object_fields.h"
#include "lib/mco/kubelet_config.h"
#include "lib/mco/machine_config_pool.h"

namespace nodedevice {
namespace {

using Json = nlohmann::json;

std::uint64_t CountAt(const Json& pool, const char* pointer) {
  const Json& value = ValueAt(pool, pointer);
  if (!value.is_number_integer()) return 0;
  return static_cast<std::uint64_t>(std::max<std::int64_t>(value.get<std::int64_t>(), 0));
}

std::set<std::string> SourceOf(const Json& pool, const char* pointer) {
  std::set<std::string> names;
  for (const Json& source : ListAt(pool, pointer)) names.insert(TextAt(source, "/name"));
  return names;
}

// The names that the operator has made of a KubeletConfig.
std::vector<std::string> MadeOf(const Json& kubelet_config, const Json& machine_configs) {
  const std::string uid = TextAt(kubelet_config, "/metadata/uid");
  std::vector<std::string> names;
  for (const Json& candidate : ListAt(machine_configs, "")) {
    const Json& owners = ListAt(candidate, "/metadata/ownerReferences");
    if (std::ranges::any_of(owners,
                            [&](const Json& owner) { return TextAt(owner, "/uid") == uid; })) {
      names.push_back(NameOf(candidate));
    }
  }
  return names;
}

// The nodes have what the pool is to have, by name, and the pool has looked since.
bool IsSettled(const Json& pool) {
  const std::string wanted = TextAt(pool, "/spec/configuration/name");
  return !wanted.empty() && wanted == TextAt(pool, "/status/configuration/name") &&
         ValueAt(pool, "/status/observedGeneration") == ValueAt(pool, "/metadata/generation");
}

bool IsComplete(const Json& pool) {
  const Json& status = ValueAt(pool, "/status");
  const std::uint64_t nodes = CountAt(pool, "/status/machineCount");
  return IsSettled(pool) && TextAt(ConditionOf(status, "Updated"), "/status") == "True" &&
         TextAt(ConditionOf(status, "Updating"), "/status") != "True" &&
         TextAt(ConditionOf(status, "Degraded"), "/status") != "True" &&
         CountAt(pool, "/status/updatedMachineCount") == nodes &&
         CountAt(pool, "/status/readyMachineCount") == nodes &&
         CountAt(pool, "/status/unavailableMachineCount") == 0 &&
         CountAt(pool, "/status/degradedMachineCount") == 0;
}

bool IsUpdating(const Json& pool) {
  return TextAt(ConditionOf(ValueAt(pool, "/status"), "Updating"), "/status") == "True" ||
         CountAt(pool, "/status/updatedMachineCount") < CountAt(pool, "/status/machineCount") ||
         CountAt(pool, "/status/unavailableMachineCount") > 0;
}

WallSeconds AcceptedAt(const Json& kubelet_config) {
  const Json& conditions = ListAt(kubelet_config, "/status/conditions");
  return conditions.empty() ? WallSeconds{}
                            : ReadApiTime(TextAt(conditions.back(), "/lastTransitionTime"));
}

}  // namespace

std::string NodesOf(const Json& pool) {
  const std::uint64_t nodes = CountAt(pool, "/status/machineCount");
  const std::uint64_t away = CountAt(pool, "/status/unavailableMachineCount");
  std::string text = absl::StrCat(CountAt(pool, "/status/updatedMachineCount"), " of ", nodes,
                                  nodes == 1 ? " node is updated" : " nodes are updated");
  if (away > 0) absl::StrAppend(&text, ", ", away, away == 1 ? " is" : " are", " not available");
  return text;
}

bool HasRolledBack(const Json& pool, const Json& machine_configs) {
  std::set<std::string> known;
  for (const Json& candidate : ListAt(machine_configs, "")) {
    if (TextAt(candidate, "/metadata/deletionTimestamp").empty()) known.insert(NameOf(candidate));
  }
  return IsSettled(pool) &&
         std::ranges::includes(known, SourceOf(pool, "/spec/configuration/source")) &&
         std::ranges::includes(known, SourceOf(pool, "/status/configuration/source"));
}

Rollout RolloutOf(const Json& pool, const Written& written, const Json& machine_configs,
                  WallSeconds now) {
  const std::string name = absl::StrCat("KubeletConfig ", NameOf(written.kubelet_config));
  if (VerdictOf(written.kubelet_config).kind != KubeletConfigVerdict::Kind::kAccepted) {
    return {PoolState::kPending,
            absl::StrCat(name, " is written, the machine-config-operator has not accepted it yet"),
            std::nullopt};
  }
  std::vector<std::string> wanted = MadeOf(written.kubelet_config, machine_configs);
  const bool is_made = !wanted.empty();
  if (!written.machine_config.empty()) wanted.push_back(written.machine_config);
  std::ranges::sort(wanted);
  if (!is_made || !std::ranges::includes(SourceOf(pool, "/spec/configuration/source"), wanted)) {
    return {PoolState::kAccepted,
            absl::StrCat(name, " is accepted, the pool's configuration does not hold ",
                         is_made ? absl::StrJoin(wanted, " and ") : "it", " yet"),
            std::nullopt};
  }
  const std::string target = TextAt(pool, "/spec/configuration/name");
  const WallSeconds settled =
      std::max(AcceptedAt(written.kubelet_config), written.at) + kRenderDelay;
  if (IsComplete(pool)) {
    // A name may still stand in its configuration that is gone.
    if (now >= settled && HasRolledBack(pool, machine_configs)) {
      return {PoolState::kComplete, absl::StrCat("every node has ", target), std::nullopt};
    }
    return {PoolState::kRendered,
            absl::StrCat("the pool's configuration holds ", absl::StrJoin(wanted, " and "),
                         ", whether nodes have to be updated for it is seen in a moment"),
            now < settled ? std::optional(settled) : std::nullopt};
  }
  if (IsPaused(pool)) {
    return {PoolState::kPoolPaused,
            absl::StrCat("the pool is paused, so its nodes do not get ", target,
                         " before somebody sets its spec.paused to false: ", NodesOf(pool)),
            std::nullopt};
  }
  if (IsUpdating(pool)) {
    return {PoolState::kRollingOut, absl::StrCat("nodes get ", target, ": ", NodesOf(pool)),
            std::nullopt};
  }
  return {PoolState::kRendered, absl::StrCat(target, " is made, no node gets it yet"),
          std::nullopt};
}

}  // namespace nodedevice
