#include "tests/support/mco/pool_status.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "lib/kube/object_fields.h"
#include "tests/support/mco/cluster.h"

namespace nodedevice::testing::mco {
namespace {

using Json = nlohmann::json;

struct Word {
  bool status = false;
  std::string reason = {};
  std::string message = {};
};

// The condition of a type with this word; its time is that of the last change of its status.
Json ConditionOf(const Json& pool, const char* type, const Word& word, WallSeconds now) {
  const std::string status = word.status ? "True" : "False";
  Json condition = {{"type", type},
                    {"status", status},
                    {"reason", word.reason},
                    {"message", word.message},
                    {"lastTransitionTime", ApiTime(now)}};
  for (const Json& known : ListAt(pool, "/status/conditions")) {
    if (TextAt(known, "/type") == type && TextAt(known, "/status") == status) {
      condition["lastTransitionTime"] = TextAt(known, "/lastTransitionTime");
    }
  }
  return condition;
}

Word NodeDegradation(const std::vector<Json>& degraded) {
  if (degraded.empty()) return {};
  std::vector<std::string> reports;
  for (const Json& node : degraded) {
    const std::string reason = AnnotationOf(node, kReason);
    if (reason.empty()) continue;
    reports.push_back(absl::StrCat("Node ", NameOf(node), " is reporting: ", Json(reason).dump()));
  }
  return {.status = true,
          .reason = absl::StrCat(degraded.size(), " nodes are reporting degraded status on sync"),
          .message = absl::StrJoin(reports, ", ")};
}

}  // namespace

bool IsNodeReady(const Json& node) {
  if (ValueAt(node, "/spec/unschedulable") == true) return false;
  return std::ranges::none_of(ListAt(node, "/status/conditions"), [](const Json& condition) {
    return TextAt(condition, "/type") == "Ready" && TextAt(condition, "/status") != "True";
  });
}

bool IsNodeDone(const Json& node) {
  return AnnotationOf(node, kCurrentConfig) == AnnotationOf(node, kDesiredConfig) &&
         AnnotationOf(node, kState) == "Done";
}

bool IsNodeDegraded(const Json& node) {
  const std::string state = AnnotationOf(node, kState);
  return state == "Degraded" || state == "Unreconcilable";
}

Json PoolStatus(const Json& pool, const std::vector<Json>& nodes, WallSeconds now) {
  const std::string target = TextAt(pool, "/spec/configuration/name");
  std::vector<Json> degraded;
  std::size_t updated = 0;
  std::size_t ready = 0;
  std::size_t unavailable = 0;
  for (const Json& node : nodes) {
    const bool has_it = IsNodeDone(node) && AnnotationOf(node, kCurrentConfig) == target;
    updated += has_it ? 1 : 0;
    ready += has_it && IsNodeReady(node) ? 1 : 0;
    unavailable += IsNodeUnavailable(node) ? 1 : 0;
    if (IsNodeDegraded(node)) degraded.push_back(node);
  }
  const bool all_updated = updated == nodes.size() && ready == nodes.size() && unavailable == 0;
  const bool paused = ValueAt(pool, "/spec/paused") == true;
  Word is_updated = {.status = all_updated};
  Word is_updating = {.status = !all_updated && !paused};
  if (all_updated) {
    is_updated.message = "All nodes are updated with MachineConfig " + target;
  } else if (paused) {
    is_updating.message = "Pool is paused; will not update to MachineConfig " + target;
  } else {
    is_updating.message = "All nodes are updating to MachineConfig " + target;
  }
  const Word node_degraded = NodeDegradation(degraded);
  const Word is_degraded = {.status = node_degraded.status, .message = node_degraded.message};
  Json conditions = {
      ConditionOf(pool, "RenderDegraded", {}, now),
      ConditionOf(pool, "Updated", is_updated, now),
      ConditionOf(pool, "Updating", is_updating, now),
      ConditionOf(pool, "NodeDegraded", node_degraded, now),
      ConditionOf(pool, "Degraded", is_degraded, now),
  };
  Json status = {
      {"observedGeneration", ValueAt(pool, "/metadata/generation")},
      {"machineCount", nodes.size()},
      {"updatedMachineCount", updated},
      {"readyMachineCount", ready},
      {"unavailableMachineCount", unavailable},
      {"degradedMachineCount", degraded.size()},
      {"conditions", std::move(conditions)},
  };
  // Without any nodes, too, they all have it.
  if (all_updated) status["configuration"] = ValueAt(pool, "/spec/configuration");
  return status;
}

}  // namespace nodedevice::testing::mco
