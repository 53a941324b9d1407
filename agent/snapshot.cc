#include "agent/snapshot.h"

#include <algorithm>
#include <iterator>

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

bool IsUp(const PluginStatus& plugin) {
  const bool lost = plugin.exec && plugin.was_accepted && plugin.accepted == false;
  return plugin.phase == PluginPhase::kRunning && !lost;
}

KubeletView ViewOf(const KubeletReport* report, const Snapshot& snapshot) {
  KubeletView view;
  if (!snapshot.device_manager.up) {
    view.error = "the Device Manager is down";
    return view;
  }
  if (report == nullptr) return view;
  view.error = report->error;
  view.fresh = report->error.empty();
  if (!view.fresh) return view;
  for (const PluginStatus& plugin : snapshot.plugins) {
    view.resources[plugin.resource_name];
    for (const ResourceReport& resource : plugin.resources) view.resources[resource.resource];
  }
  for (auto& [name, use] : view.resources) {
    if (const auto said = report->resources.find(name); said != report->resources.end()) {
      use = said->second;
    }
  }
  std::ranges::copy_if(
      report->holders, std::back_inserter(view.holders),
      [&view](const DeviceHolder& holder) { return view.resources.contains(holder.resource); });
  return view;
}

std::vector<std::string> SentencesOf(const ConflictStatus& conflicts) {
  std::vector<std::string> sentences = conflicts.devices;
  sentences.insert(sentences.end(), conflicts.containers.begin(), conflicts.containers.end());
  return sentences;
}

bool IsRegistered(const std::vector<ResourceReport>& resources) {
  return std::ranges::all_of(resources, [](const ResourceReport& resource) {
    return resource.phase == RegistrationPhase::kStreaming;
  });
}

bool IsHeldBack(const std::vector<ResourceReport>& resources) {
  return std::ranges::any_of(resources, [](const ResourceReport& resource) {
    return resource.phase == RegistrationPhase::kHeld;
  });
}

}  // namespace nodedevice
