#pragma once

// What the controller writes for one MachineConfigPool of a configuration: the label by which the
// pool is selected, where it needs one, and the KubeletConfig. machine_config.h has the rest.

#include <string>

#include "lib/api/device_plugin_config.h"
#include "nlohmann/json.hpp"

namespace nodedevice {

// Of MachineConfigPools, KubeletConfigs and MachineConfigs.
inline constexpr char kMachineConfigApi[] = "machineconfiguration.openshift.io/v1";
// Of a MachineConfig: for which role it is. Pools select by it.
inline constexpr char kRoleLabel[] = "machineconfiguration.openshift.io/role";

// Of a pool that has no label of its own to be selected by, and of our objects for it.
inline constexpr char kPoolLabel[] = "nodedevices.io/pool";

// A pool as the value of that label; one that is too long is cut, and a hash tells it apart.
std::string PoolLabelValue(const std::string& pool);

// The pool can be selected without a label of ours: pools of OpenShift itself (4.6 and newer) can.
bool HasBuiltInLabel(const nlohmann::json& pool);

// The pool has our label. HasOwnPoolLabel: and it was the controller that has put it on, so that it
// is the controller's to take off. Reads metadata.managedFields.
bool HasPoolLabel(const nlohmann::json& pool);
bool HasOwnPoolLabel(const nlohmann::json& pool);

// For a server-side apply without force. It names nothing but labels, which leaves the rest of the
// pool to its owner, and the uid, so that it hits this pool or none. Without the label it takes the
// one off that was applied before.
nlohmann::json PoolLabelPatch(const nlohmann::json& pool, bool labelled);

// "node-devices-CONFIG-POOL": always the same one.
std::string KubeletConfigName(const std::string& config, const std::string& pool);

// The object that OpenShift's documentation has for enabling the Device Manager, and the topology
// manager's policy if the configuration gives one. Whole, for server-side apply. It has neither
// annotations nor finalizers: the machine-config-operator deletes those of others.
nlohmann::json RenderKubeletConfig(const DevicePluginConfig& config, const std::string& config_uid,
                                   const nlohmann::json& pool);

// The labels and the owner of an object of the configuration for a pool.
nlohmann::json MetadataFor(const std::string& name, const DevicePluginConfig& config,
                           const std::string& config_uid, const std::string& pool);

// The object was written for this configuration: by its labels, or its owner.
bool IsOurs(const nlohmann::json& object, const std::string& config, const std::string& config_uid);

}  // namespace nodedevice
