#pragma once

#include <string>
#include <vector>

#include "nlohmann/json.hpp"

namespace nodedevice::testing::mco {

// A file as Ignition has it, which replaces what is there.
nlohmann::json IgnitionFile(const std::string& path, const std::string& text);

// The text of a file of a MachineConfig; empty when it has none of this path.
std::string TextOfFile(const nlohmann::json& machine_config, const std::string& path);

// A MachineConfig of these files for the pools that select this role.
nlohmann::json MachineConfigOf(const std::string& name, const std::string& role,
                               std::vector<nlohmann::json> files);

// What every cluster has for each role: 00-worker, 01-worker-kubelet, 98-worker-generated-kubelet.
std::vector<nlohmann::json> BuiltInMachineConfigs(const std::string& role);

// "99-worker-generated-kubelet" of a KubeletConfig: kubelet.conf, and files for the log level and
// the node's sizing where it asks for them.
nlohmann::json GeneratedMachineConfig(const std::string& name, const std::string& pool,
                                      const nlohmann::json& kubelet_config);

// The spec that these MachineConfigs, in order of their names, make together: of a file or a unit
// the last one, kernel arguments and extensions one after the other, of other fields the last word.
nlohmann::json MergedSpec(std::vector<nlohmann::json> machine_configs);

// "rendered-worker-<32 hexadecimal digits>": the same content has the same name.
std::string RenderedName(const std::string& pool, const nlohmann::json& merged_spec);

}  // namespace nodedevice::testing::mco
