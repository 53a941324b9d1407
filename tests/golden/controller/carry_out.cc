#include "tests/golden/controller/carry_out.h"

#include <algorithm>
#include <functional>
#include <string>

#include "lib/kube/object_fields.h"

namespace nodedevice::testing {
namespace {

using Json = nlohmann::json;
using Predicate = std::function<bool(const Json&)>;

void EraseIf(std::optional<Json>& list, const Predicate& is_gone) {
  if (list) list->erase(std::remove_if(list->begin(), list->end(), is_gone), list->end());
}

bool IsOwnedBy(const Json& object, const std::string& uid) {
  return std::ranges::any_of(ListAt(object, "/metadata/ownerReferences"),
                             [&](const Json& owner) { return TextAt(owner, "/uid") == uid; });
}

// And what is owned by it.
void Delete(const std::string& uid, Observed& observed) {
  const Predicate is_gone = [&](const Json& object) {
    return TextAt(object, "/metadata/uid") == uid || IsOwnedBy(object, uid);
  };
  std::erase_if(observed.daemon_sets, is_gone);
  EraseIf(observed.kubelet_configs, is_gone);
  EraseIf(observed.machine_configs, is_gone);
  std::erase_if(observed.states, [&](const ObservedState& state) {
    return state.uid == uid || state.config_uid == uid;
  });
}

Json* Named(const std::string& name, Json& list) {
  const auto found = std::ranges::find_if(
      list, [&](const Json& object) { return TextAt(object, "/metadata/name") == name; });
  return found == list.end() ? nullptr : &*found;
}

void ApplyWhole(const Json& object, Json& list) {
  Json* has = Named(TextAt(object, "/metadata/name"), list);
  if (has == nullptr) {
    list.push_back(object);
    list.back()["metadata"]["uid"] = "new-" + TextAt(object, "/metadata/name");
    list.back()["metadata"]["generation"] = 1;
    return;
  }
  const bool is_changed = ValueAt(*has, "/spec") != ValueAt(object, "/spec");
  for (const char* key : {"uid", "creationTimestamp"}) {
    if (has->at("metadata").contains(key)) continue;
    (*has)["metadata"][key] = "";
  }
  Json metadata = object["metadata"];
  metadata["uid"] = (*has)["metadata"]["uid"];
  metadata["creationTimestamp"] = (*has)["metadata"]["creationTimestamp"];
  metadata["generation"] = (*has)["metadata"].value("generation", 0) + (is_changed ? 1 : 0);
  const Json status = ValueAt(*has, "/status");
  *has = object;
  (*has)["metadata"] = std::move(metadata);
  if (!status.is_null()) (*has)["status"] = status;
}

void ApplyLabels(const Json& object, Json& pools) {
  constexpr char kOwned[] = "/fieldsV1/f:metadata/f:labels/f:nodedevices.io~1pool";
  Json* pool = Named(TextAt(object, "/metadata/name"), pools);
  if (pool == nullptr) return;
  Json& metadata = (*pool)["metadata"];
  const Json& labels = object["metadata"]["labels"];
  if (labels.empty()) {
    metadata["labels"].erase("nodedevices.io/pool");
    metadata.erase("managedFields");
    return;
  }
  metadata["labels"].update(labels);
  Json entry = {{"manager", kFieldManager}, {"operation", "Apply"}};
  entry[Json::json_pointer(kOwned)] = Json::object();
  metadata["managedFields"] = {entry};
}

void ApplyFinalizers(const Json& object, Observed& observed) {
  for (Json& config : observed.configs) {
    if (TextAt(config, "/metadata/uid") != TextAt(object, "/metadata/uid")) continue;
    config["metadata"]["finalizers"] = object["metadata"]["finalizers"];
  }
  const auto goes = [](const Json& config) {
    return !TextAt(config, "/metadata/deletionTimestamp").empty() &&
           ListAt(config, "/metadata/finalizers").empty();
  };
  const std::string uid = TextAt(object, "/metadata/uid");
  const bool is_gone = std::ranges::any_of(observed.configs, goes);
  std::erase_if(observed.configs, goes);
  if (is_gone) Delete(uid, observed);
}

void ApplyOne(const Json& object, Observed& observed) {
  const std::string kind = TextAt(object, "/kind");
  if (kind == "DaemonSet") {
    Json list = observed.daemon_sets;
    ApplyWhole(object, list);
    observed.daemon_sets = list.get<std::vector<Json>>();
  } else if (kind == "KubeletConfig") {
    ApplyWhole(object, *observed.kubelet_configs);
  } else if (kind == "MachineConfig") {
    ApplyWhole(object, *observed.machine_configs);
  } else if (kind == "MachineConfigPool") {
    ApplyLabels(object, *observed.pools);
  } else if (kind == "DevicePluginConfig") {
    ApplyFinalizers(object, observed);
  }
}

void PatchNode(const NodePatch& patch, Observed& observed) {
  for (ObservedNode& node : observed.nodes) {
    if (node.name != patch.node) continue;
    node.taints.clear();
    for (const Json& taint : ListAt(patch.patch, "/spec/taints")) {
      node.taints.push_back({.key = TextAt(taint, "/key"),
                             .value = TextAt(taint, "/value"),
                             .effect = TextAt(taint, "/effect"),
                             .time_added = TextAt(taint, "/timeAdded")});
    }
  }
}

}  // namespace

void CarryOut(const Plan& plan, Observed& observed) {
  for (const Removal& removal : plan.remove) Delete(removal.uid, observed);
  for (const Apply& apply : plan.apply) ApplyOne(apply.object, observed);
  for (const NodePatch& patch : plan.node_patches) PatchNode(patch, observed);
  for (const Json& object : plan.statuses) {
    for (Json& config : observed.configs) {
      if (config["metadata"]["name"] == object["metadata"]["name"]) {
        config["status"] = object["status"];
      }
    }
  }
}

}  // namespace nodedevice::testing
