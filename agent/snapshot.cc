#include "agent/snapshot.h"

#include <algorithm>

namespace nodedevice {

const char* ToString(PluginPhase phase) {
  switch (phase) {
    case PluginPhase::kHeld:
      return "Held";
    case PluginPhase::kStarting:
      return "Starting";
    case PluginPhase::kRunning:
      return "Running";
    case PluginPhase::kStopping:
      return "Stopping";
    case PluginPhase::kBackingOff:
      return "BackingOff";
  }
  return "?";
}

const char* ToString(RestartReason reason) {
  switch (reason) {
    case RestartReason::kExited:
      return "exited";
    case RestartReason::kSignaled:
      return "signaled";
    case RestartReason::kStartFailed:
      return "start_failed";
    case RestartReason::kStartTimeout:
      return "start_timeout";
    case RestartReason::kNotRegistered:
      return "not_registered";
  }
  return "?";
}

void ResourceTotals::Add(const ResourceTotals& other) {
  registrations_ok += other.registrations_ok;
  registrations_failed += other.registrations_failed;
  list_updates += other.list_updates;
  for (const auto& [method, theirs] : other.rpc) {
    RpcHistogram& ours = rpc[method];
    for (std::size_t i = 0; i < ours.buckets.size(); ++i) ours.buckets[i] += theirs.buckets[i];
    ours.count += theirs.count;
    ours.sum += theirs.sum;
  }
}

void ResourceTotals::Add(const ResourceReport& report) {
  Add(ResourceTotals{.registrations_ok = report.registrations_ok,
                     .registrations_failed = report.registrations_failed,
                     .list_updates = report.list_updates,
                     .rpc = report.rpc});
}

bool IsRegistered(const std::vector<ResourceReport>& resources) {
  return std::ranges::all_of(resources, [](const ResourceReport& resource) {
    return resource.phase == RegistrationPhase::kStreaming;
  });
}

}  // namespace nodedevice
