#include "devicemanager/conformance/wire.h"

#include <utility>

namespace nodedevice::devicemanager::conformance {
namespace {

Outcome OutcomeOf(const absl::Status& status) {
  if (status.ok()) return {};
  return {
      .kind = absl::IsDeadlineExceeded(status) ? Outcome::Kind::kTimedOut : Outcome::Kind::kRefused,
      .error = std::string(status.message())};
}

}  // namespace

DeviceList DevicesOf(const v1beta1::ListAndWatchResponse& response) {
  DeviceList devices;
  devices.reserve(static_cast<std::size_t>(response.devices_size()));
  for (const v1beta1::Device& listed : response.devices()) {
    ListedDevice device{.id = listed.id(), .health = listed.health(), .numa_nodes = {}};
    for (const v1beta1::NUMANode& node : listed.topology().nodes()) {
      device.numa_nodes.push_back(node.id());
    }
    devices.push_back(std::move(device));
  }
  return devices;
}

Options OptionsOf(const v1beta1::DevicePluginOptions& options) {
  return {.pre_start_required = options.pre_start_required(),
          .preferred_allocation_available = options.get_preferred_allocation_available()};
}

Registration RegistrationOf(const v1beta1::RegisterRequest& request) {
  Registration call{.version = request.version(),
                    .endpoint = request.endpoint(),
                    .resource = request.resource_name(),
                    .dialled = std::nullopt,
                    .asked = std::nullopt};
  if (request.has_options()) call.told = OptionsOf(request.options());
  return call;
}

Discovery DiscoveryOf(const RegistryAttempt& attempt, const std::filesystem::path& folder) {
  const FoundPlugin& plugin = attempt.plugin;
  Discovery discovery{.socket = plugin.socket.lexically_relative(folder),
                      .asked = OutcomeOf(attempt.asked.value_or(attempt.connected)),
                      .type = plugin.type,
                      .resource = plugin.name,
                      .endpoint = plugin.told_endpoint,
                      .versions = plugin.versions,
                      .dialled = std::nullopt,
                      .options_asked = std::nullopt,
                      .told = std::nullopt};
  if (attempt.told) discovery.told = OutcomeOf(*attempt.told);
  return discovery;
}

std::vector<std::string> PreferredOf(const v1beta1::PreferredAllocationResponse& response) {
  if (response.container_responses().empty()) return {};
  const auto& ids = response.container_responses(0).deviceids();
  return {ids.begin(), ids.end()};
}

}  // namespace nodedevice::devicemanager::conformance
