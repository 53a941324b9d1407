#include "devicemanager/plugin_registry.h"

#include <algorithm>

#include "absl/strings/str_join.h"
#include "lib/kubelet/resource_name.h"

namespace nodedevice::devicemanager {
namespace {

constexpr Backoff kBackoff{std::chrono::seconds(1), std::chrono::minutes(2)};
constexpr char kVersion[] = "v1beta1";

}  // namespace

std::vector<PluginRegistry::Action> PluginRegistry::Look(const RegistrySockets& sockets,
                                                         TimePoint now) {
  std::vector<Action> actions;
  for (auto entry = entries_.begin(); entry != entries_.end();) {
    const auto there = sockets.find(entry->first);
    const bool same = there != sockets.end() && there->second == entry->second.identity;
    // A registration under way is judged when it has ended.
    if (same || entry->second.phase == Phase::kRegistering) {
      ++entry;
      continue;
    }
    if (entry->second.phase == Phase::kRegistered) {
      actions.emplace_back(Deregister{entry->second.resource});
    }
    entry = entries_.erase(entry);
  }
  for (const auto& [socket, identity] : sockets) {
    const auto [entry, is_new] = entries_.try_emplace(socket);
    const bool again = entry->second.phase == Phase::kWaiting && now >= entry->second.next_try;
    if (!is_new && !again) continue;
    entry->second.identity = identity;
    entry->second.phase = Phase::kRegistering;
    actions.emplace_back(Register{socket, identity});
  }
  return actions;
}

void PluginRegistry::Ended(const Register& registration,
                           const absl::StatusOr<std::string>& resource, TimePoint now) {
  Entry& entry = entries_[registration.socket];
  entry.identity = registration.identity;
  if (resource.ok()) {
    entry.phase = Phase::kRegistered;
    entry.resource = *resource;
    entry.failures = 0;
    return;
  }
  entry.phase = Phase::kWaiting;
  entry.next_try = now + kBackoff.After(++entry.failures);
}

absl::Status ValidateRegistryPlugin(const std::string& type, const std::string& name,
                                    const std::vector<std::string>& versions,
                                    const std::string& socket) {
  if (type != "DevicePlugin") {
    return absl::InvalidArgumentError(
        absl::StrCat("RegisterPlugin error -- no handler registered for plugin type: ", type,
                     " at socket ", socket));
  }
  constexpr char kFailed[] = "RegisterPlugin error -- plugin validation failed with err: ";
  if (std::find(versions.begin(), versions.end(), kVersion) == versions.end()) {
    return absl::InvalidArgumentError(absl::StrCat(kFailed, "manager version, ", kVersion,
                                                   ", is not among plugin supported versions [",
                                                   absl::StrJoin(versions, " "), "]"));
  }
  if (!ValidateExtendedResourceName(name).ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat(kFailed, "invalid name of device plugin socket: the ResourceName \"", name,
                     "\" is invalid"));
  }
  return absl::OkStatus();
}

}  // namespace nodedevice::devicemanager
