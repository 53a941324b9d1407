#include "tests/support/mco/node_controller.h"

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "lib/kube/object_fields.h"
#include "lib/mco/label_selector.h"
#include "tests/support/mco/pool_status.h"

namespace nodedevice::testing::mco {
namespace {

using Json = nlohmann::json;

std::vector<Json> NodesOf(const std::string& pool, const Cluster& cluster) {
  std::vector<Json> nodes;
  for (const Json& node : cluster.nodes) {
    if (PoolOf(node, cluster.pools) == pool) nodes.push_back(node);
  }
  return nodes;
}

std::string WhatCounts(const Json& pool, const std::vector<Json>& nodes) {
  Json what = {ValueAt(pool, "/metadata/uid"), ValueAt(pool, "/metadata/generation"),
               ValueAt(pool, "/metadata/labels")};
  for (const Json& node : nodes) {
    what.push_back({NameOf(node), AnnotationOf(node, kCurrentConfig),
                    AnnotationOf(node, kDesiredConfig), AnnotationOf(node, kState),
                    AnnotationOf(node, kReason), IsNodeReady(node)});
  }
  return what.dump();
}

// Nodes that fail with the very configuration that they are to have stand in the way of others.
void GiveConfiguration(const Json& pool, const std::vector<Json>& nodes, Writes& writes) {
  const std::string target = TextAt(pool, "/spec/configuration/name");
  int capacity = MaxUnavailable(pool, static_cast<int>(nodes.size())) -
                 static_cast<int>(std::ranges::count_if(nodes, IsNodeUnavailable));
  for (const Json& node : nodes) {
    if (capacity <= 0) return;
    if (AnnotationOf(node, kDesiredConfig) == target || IsNodeUnavailable(node)) continue;
    writes.push_back(
        Patch(kNodes, node, {{"metadata", {{"annotations", {{kDesiredConfig, target}}}}}}));
    --capacity;
  }
}

void Sync(const Json& pool, const std::vector<Json>& nodes, WallSeconds now, Writes& writes) {
  if (TextAt(pool, "/spec/configuration/name").empty()) return;
  if (ValueAt(pool, "/spec/paused") != true) GiveConfiguration(pool, nodes, writes);
  Json status = PoolStatus(pool, nodes, now);
  Json next = ValueAt(pool, "/status");
  if (!next.is_object()) next = Json::object();
  next.merge_patch(status);
  if (next != ValueAt(pool, "/status")) {
    writes.push_back(PatchStatus(kPools, pool, std::move(status)));
  }
}

}  // namespace

std::string PoolOf(const Json& node, const std::vector<Json>& pools) {
  const Labels labels = LabelsOf(node);
  const auto system = labels.find("kubernetes.io/os");
  if (system != labels.end() && system->second == "windows") return "";
  bool is_master = false;
  bool is_worker = false;
  std::vector<std::string> custom;
  for (const Json& pool : pools) {
    const LabelSelector selector(ValueAt(pool, "/spec/nodeSelector"));
    if (selector.is_empty() || !selector.Selects(labels)) continue;
    const std::string name = NameOf(pool);
    if (name == "master") {
      is_master = true;
    } else if (name == "worker") {
      is_worker = true;
    } else {
      custom.push_back(name);
    }
  }
  if (custom.size() > 1) return "";
  if (is_master) return "master";
  if (!custom.empty()) return custom.front();
  return is_worker ? "worker" : "";
}

int MaxUnavailable(const Json& pool, int nodes) {
  const Json& wanted = ValueAt(pool, "/spec/maxUnavailable");
  int number = 1;
  if (NameOf(pool) == "arbiter") return number;
  if (wanted.is_number_integer()) {
    number = wanted.get<int>();
  } else if (wanted.is_string()) {
    std::string text = wanted.get<std::string>();
    if (text.ends_with('%')) text.pop_back();
    int percent = 0;
    if (absl::SimpleAtoi(text, &percent)) number = nodes * percent / 100;
  }
  return std::max(number, 1);
}

void NodeController::Step(const Cluster& cluster, const Moment& moment, Writes& writes) {
  std::erase_if(records_,
                [&](const auto& entry) { return Find(cluster.pools, entry.first) == nullptr; });
  for (const Json& pool : cluster.pools) {
    Record& record = records_[NameOf(pool)];
    const std::vector<Json> nodes = NodesOf(NameOf(pool), cluster);
    std::string what = WhatCounts(pool, nodes);
    if (record.seen != what) {
      record.seen = std::move(what);
      record.due.At(moment.now + delay_);
    }
    if (!record.due.HasCome(moment.now)) continue;
    record.due.Clear();
    Sync(pool, nodes, moment.wall, writes);
  }
}

std::optional<TimePoint> NodeController::NextTime() const {
  std::optional<TimePoint> next;
  for (const auto& [name, record] : records_) next = Earlier(next, record.due.when());
  return next;
}

}  // namespace nodedevice::testing::mco
