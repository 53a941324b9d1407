#pragma once

// The MachineConfig that makes spec.nodePreparation of a configuration so on the nodes of a pool:
// kernel arguments, modules that are loaded at boot, PCI devices that vfio-pci takes before their
// own drivers do. The same configuration always gives the same bytes: others would restart nodes.

#include <string>

#include "lib/api/device_plugin_config.h"
#include "nlohmann/json.hpp"

namespace nodedevice {

// It asks for nothing.
bool IsEmpty(const NodePreparation& preparation);

// "99-POOL-node-devices-CONFIG". The operator merges MachineConfigs in the order of their names.
std::string MachineConfigName(const std::string& config, const std::string& pool);

// For the controller: whole, with labels and owner, for server-side apply.
nlohmann::json RenderMachineConfig(const DevicePluginConfig& config, const std::string& config_uid,
                                   const std::string& pool);

// For an administrator, who applies it: the same without what makes it the controller's. When the
// controller is to write it later, and it is still the same, it makes it its own.
nlohmann::json MachineConfigToApply(const NodePreparation& preparation, const std::string& config,
                                    const std::string& pool);

}  // namespace nodedevice
