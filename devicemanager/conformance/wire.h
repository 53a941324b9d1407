#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "devicemanager/conformance/observation.h"
#include "devicemanager/registry_watcher.h"
#include "proto/deviceplugin.pb.h"

// A plugin's messages as the values of an observation: everything as it came, for the rules to
// judge. Pure.
namespace nodedevice::devicemanager::conformance {

DeviceList DevicesOf(const v1beta1::ListAndWatchResponse& response);

Options OptionsOf(const v1beta1::DevicePluginOptions& options);

// The call itself; nothing has been dialled yet.
Registration RegistrationOf(const v1beta1::RegisterRequest& request);

// What a plugin in the folder plugins_registry answered. Nothing is told of dialling it.
Discovery DiscoveryOf(const RegistryAttempt& attempt, const std::filesystem::path& folder);

// The first container's ids, in their order; none when there is no container.
std::vector<std::string> PreferredOf(const v1beta1::PreferredAllocationResponse& response);

}  // namespace nodedevice::devicemanager::conformance
