#include "tests/support/mco/render_controller.h"

#include <algorithm>
#include <utility>

#include "lib/kube/object_fields.h"
#include "lib/mco/label_selector.h"
#include "tests/support/mco/machine_configs.h"

namespace nodedevice::testing::mco {
namespace {

using Json = nlohmann::json;

// In order of their names.
std::vector<Json> SelectedBy(const Json& pool, const std::vector<Json>& machine_configs) {
  std::vector<Json> selected;
  const LabelSelector selector(ValueAt(pool, "/spec/machineConfigSelector"));
  if (selector.is_empty()) return selected;
  for (const Json& config : machine_configs) {
    if (selector.Selects(LabelsOf(config))) selected.push_back(config);
  }
  std::ranges::sort(selected, {}, [](const Json& config) { return NameOf(config); });
  return selected;
}

bool IsAccepted(const Json& config) {
  const Json& conditions = ListAt(config, "/status/conditions");
  if (conditions.empty() ||
      ValueAt(config, "/status/observedGeneration") != ValueAt(config, "/metadata/generation")) {
    return false;
  }
  const std::string type = TextAt(conditions.back(), "/type");
  return type == "Success" ||
         (type == "Accepted" && TextAt(conditions.back(), "/status") == "True");
}

bool IsFrozen(const Json& pool, const std::vector<Json>& kubelet_configs) {
  return std::ranges::any_of(kubelet_configs, [&](const Json& config) {
    const LabelSelector selector(ValueAt(config, "/spec/machineConfigPoolSelector"));
    return selector.Selects(LabelsOf(pool)) && !IsAccepted(config);
  });
}

std::string WhatCounts(const Json& pool, const std::vector<Json>& selected) {
  Json what = {ValueAt(pool, "/metadata/uid"), ValueAt(pool, "/metadata/generation"),
               ValueAt(pool, "/metadata/labels")};
  for (const Json& config : selected) {
    what.push_back({NameOf(config), ValueAt(config, "/metadata/generation")});
  }
  return what.dump();
}

void Render(const Cluster& cluster, const Json& pool, const std::vector<Json>& selected,
            Writes& writes) {
  Json spec = MergedSpec(selected);
  const std::string name = RenderedName(NameOf(pool), spec);
  if (Find(cluster.machine_configs, name) == nullptr) {
    writes.push_back(Create(kMachineConfigs, {{"apiVersion", kGroupVersion},
                                              {"kind", "MachineConfig"},
                                              {"metadata",
                                               {{"name", name},
                                                {"ownerReferences",
                                                 {{{"apiVersion", kGroupVersion},
                                                   {"kind", "MachineConfigPool"},
                                                   {"name", NameOf(pool)},
                                                   {"uid", TextAt(pool, "/metadata/uid")},
                                                   {"controller", true},
                                                   {"blockOwnerDeletion", true}}}}}},
                                              {"spec", std::move(spec)}}));
  }
  Json source = Json::array();
  for (const Json& config : selected) {
    source.push_back(
        {{"apiVersion", kGroupVersion}, {"kind", "MachineConfig"}, {"name", NameOf(config)}});
  }
  if (TextAt(pool, "/spec/configuration/name") == name &&
      ListAt(pool, "/spec/configuration/source") == source) {
    return;
  }
  writes.push_back(
      Patch(kPools, pool,
            {{"spec", {{"configuration", {{"name", name}, {"source", std::move(source)}}}}}}));
}

}  // namespace

void RenderController::Step(const Cluster& cluster, const Moment& moment, Writes& writes) {
  std::erase_if(records_,
                [&](const auto& entry) { return Find(cluster.pools, entry.first) == nullptr; });
  for (const Json& pool : cluster.pools) {
    Record& record = records_[NameOf(pool)];
    const std::vector<Json> selected = SelectedBy(pool, cluster.machine_configs);
    std::string what = WhatCounts(pool, selected);
    if (record.seen != what) {
      record.seen = std::move(what);
      record.due.At(moment.now + delay_);
    }
    if (!record.due.HasCome(moment.now)) continue;
    record.due.Clear();
    if (IsFrozen(pool, cluster.kubelet_configs)) {
      record.due.At(moment.now + retries_.After(++record.failures));
      continue;
    }
    record.failures = 0;
    if (!selected.empty()) Render(cluster, pool, selected, writes);
  }
}

std::optional<TimePoint> RenderController::NextTime() const {
  std::optional<TimePoint> next;
  for (const auto& [name, record] : records_) next = Earlier(next, record.due.when());
  return next;
}

}  // namespace nodedevice::testing::mco
