#include "controller/pools/pool_objects.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "controller/drift.h"
#include "controller/ownership.h"
#include "lib/kube/bounded_name.h"
#include "lib/kube/object_fields.h"
#include "lib/mco/label_selector.h"

namespace nodedevice {
namespace {

using Json = nlohmann::json;

constexpr char kBuiltInLabel[] = "pools.operator.machineconfiguration.openshift.io/";
constexpr std::size_t kMaxLabel = 63;
// The operator makes names of MachineConfigs of it, which may have 253.
constexpr std::size_t kMaxName = 128;

}  // namespace

std::string PoolLabelValue(const std::string& pool) { return BoundedName(pool, kMaxLabel); }

bool HasBuiltInLabel(const Json& pool) {
  return LabelsOf(pool).contains(absl::StrCat(kBuiltInLabel, NameOf(pool)));
}

bool HasPoolLabel(const Json& pool) {
  const Labels labels = LabelsOf(pool);
  const auto label = labels.find(kPoolLabel);
  return label != labels.end() && label->second == PoolLabelValue(NameOf(pool));
}

bool HasOwnPoolLabel(const Json& pool) {
  // Only the controller's own entries are kept (observed.h).
  return HasPoolLabel(pool) &&
         std::ranges::any_of(ListAt(pool, "/metadata/managedFields"), [](const Json& entry) {
           return !ValueAt(entry, "/fieldsV1/f:metadata/f:labels/f:nodedevices.io~1pool").is_null();
         });
}

Json PoolLabelPatch(const Json& pool, bool labelled) {
  Json labels = Json::object();
  if (labelled) labels[kPoolLabel] = PoolLabelValue(NameOf(pool));
  return {{"apiVersion", kMachineConfigApi},
          {"kind", "MachineConfigPool"},
          {"metadata",
           {{"name", NameOf(pool)},
            {"uid", TextAt(pool, "/metadata/uid")},
            {"labels", std::move(labels)}}}};
}

std::string KubeletConfigName(const std::string& config, const std::string& pool) {
  return BoundedName(absl::StrCat("node-devices-", config, "-", pool), kMaxName);
}

Json MetadataFor(const std::string& name, const DevicePluginConfig& config,
                 const std::string& config_uid, const std::string& pool) {
  return {{"name", name},
          {"labels",
           {{kConfigLabel, config.name},
            {kManagedByLabel, kManagedBy},
            {kPoolLabel, PoolLabelValue(pool)}}},
          {"ownerReferences", OwnedBy(config.name, config_uid)}};
}

Json RenderKubeletConfig(const DevicePluginConfig& config, const std::string& config_uid,
                         const Json& pool) {
  const std::string name = NameOf(pool);
  Json selected_by;
  if (HasBuiltInLabel(pool)) {
    const std::string label = absl::StrCat(kBuiltInLabel, name);
    selected_by[label] = LabelsOf(pool).at(label);
  } else {
    selected_by[kPoolLabel] = PoolLabelValue(name);
  }
  Json kubelet = {{"feature-gates", {"DevicePlugins=true"}}};
  const std::string& policy = config.device_manager.topology_manager_policy;
  if (!policy.empty()) kubelet["topologyManagerPolicy"] = policy;
  Json object = {
      {"apiVersion", kMachineConfigApi},
      {"kind", "KubeletConfig"},
      {"metadata", MetadataFor(KubeletConfigName(config.name, name), config, config_uid, name)},
      {"spec",
       {{"machineConfigPoolSelector", {{"matchLabels", std::move(selected_by)}}},
        {"kubeletConfig", std::move(kubelet)}}}};
  object["metadata"]["labels"][kRenderedKey] = Fingerprint(object);
  return object;
}

bool IsOurs(const Json& object, const std::string& config, const std::string& config_uid) {
  const Labels labels = LabelsOf(object);
  const auto is = [&](const char* key, const std::string& value) {
    const auto label = labels.find(key);
    return label != labels.end() && label->second == value;
  };
  if (is(kConfigLabel, config) && is(kManagedByLabel, kManagedBy)) return true;
  return !config_uid.empty() &&
         std::ranges::any_of(ListAt(object, "/metadata/ownerReferences"), [&](const Json& owner) {
           return TextAt(owner, "/uid") == config_uid;
         });
}

}  // namespace nodedevice
