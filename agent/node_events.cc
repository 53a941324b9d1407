#include "agent/node_events.h"

#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace nodedevice {
namespace {

constexpr int kCrashLoop = 3;  // failures in a row
constexpr std::size_t kNamedDevices = 5;

void AddDeviceManager(const DeviceManagerStatus& before, const DeviceManagerStatus& after,
                      std::vector<ApiEvent>& events) {
  if (before.up && !after.up) {
    events.push_back({true, "DeviceManagerDown", "Waiting",
                      absl::StrCat("The kubelet's Device Manager does not answer: ", after.problem,
                                   ". Plugins are kept and register again when it is back."),
                      ""});
  } else if (before.up && after.up && before.since != after.since) {
    events.push_back({false, "DeviceManagerRestarted", "Registering",
                      "The kubelet's Device Manager was restarted; every plugin registers again.",
                      ""});
  } else if (!before.up && after.up) {
    events.push_back({false, "DeviceManagerUp", "Registering",
                      absl::StrCat("The kubelet's Device Manager answers on ", after.socket, "."),
                      ""});
  }
}

void AddConfig(const ConfigStatus& before, const ConfigStatus& after,
               std::vector<ApiEvent>& events) {
  if (!after.error.empty() && before.error != after.error) {
    events.push_back({true, after.accepted ? "ConfigRefused" : "NoConfig",
                      after.accepted ? "KeepingLastGood" : "Waiting",
                      after.accepted ? absl::StrCat("The newest version of ", after.source,
                                                    " is refused and generation ", after.generation,
                                                    " stays in force: ", after.error)
                                     : absl::StrCat("No plugin runs: ", after.error),
                      ""});
  } else if (after.error.empty() && after.accepted &&
             (before.generation != after.generation || before.uid != after.uid ||
              !before.error.empty())) {
    events.push_back(
        {false, "ConfigAccepted", "Applying",
         absl::StrCat("Generation ", after.generation, " of ", after.source, " is in force."), ""});
  }
}

void AddPlugin(const PluginStatus* before, const PluginStatus& after,
               std::vector<ApiEvent>& events) {
  const int failures = before == nullptr ? 0 : before->failures;
  if (after.phase == PluginPhase::kBackingOff && after.failures >= kCrashLoop &&
      after.failures != failures) {
    events.push_back({true, "PluginCrashLooping", "Restarting",
                      absl::StrCat("Plugin ", after.name, " of ", after.resource_name, " failed ",
                                   after.failures, " times in a row: ", after.last_exit,
                                   ". It is started again with growing pauses."),
                      after.name});
  } else if (failures >= kCrashLoop && after.failures == 0) {
    events.push_back({false, "PluginRecovered", "Running",
                      absl::StrCat("Plugin ", after.name, " runs well again."), after.name});
  }
}

struct Health {
  std::uint64_t healthy = 0;
  std::uint64_t unhealthy = 0;
  std::uint64_t devices = 0;  // unhealthy ones, each counted once however often it is shared
  std::vector<std::string> named;
};

std::map<std::string, Health> HealthOf(const Snapshot& snapshot) {
  std::map<std::string, Health> resources;
  for (const PluginStatus& plugin : snapshot.plugins) {
    for (const ResourceReport& report : plugin.resources) {
      Health& health = resources[report.resource];
      health.healthy += report.healthy;
      health.unhealthy += report.unhealthy;
      for (const DeviceReport& device : report.devices) {
        if (device.healthy) continue;
        ++health.devices;
        if (health.named.size() == kNamedDevices) continue;
        health.named.push_back(absl::StrCat(
            device.id, device.reason.empty() ? "" : absl::StrCat(" (", device.reason, ")")));
      }
    }
  }
  return resources;
}

void AddDevices(const Snapshot& before, const Snapshot& after, std::vector<ApiEvent>& events) {
  const std::map<std::string, Health> earlier = HealthOf(before);
  for (const auto& [resource, health] : HealthOf(after)) {
    const auto known = earlier.find(resource);
    const std::uint64_t unhealthy = known == earlier.end() ? 0 : known->second.unhealthy;
    if (health.unhealthy > unhealthy) {
      events.push_back(
          {true, "DevicesUnhealthy", "Announcing",
           absl::StrCat(health.unhealthy, " of ", health.healthy + health.unhealthy, " devices of ",
                        resource, " are unhealthy: ", absl::StrJoin(health.named, ", "),
                        health.devices > health.named.size() ? ", ..." : ""),
           resource});
    } else if (unhealthy > 0 && health.unhealthy == 0) {
      events.push_back(
          {false, "DevicesRecovered", "Announcing",
           absl::StrCat("All ", health.healthy, " devices of ", resource, " are healthy."),
           resource});
    }
  }
}

}  // namespace

std::vector<ApiEvent> EventsBetween(const Snapshot& before, const Snapshot& after) {
  std::vector<ApiEvent> events;
  AddConfig(before.config, after.config, events);
  AddDeviceManager(before.device_manager, after.device_manager, events);
  std::map<std::string, const PluginStatus*> earlier;
  for (const PluginStatus& plugin : before.plugins) earlier[plugin.name] = &plugin;
  for (const PluginStatus& plugin : after.plugins) {
    const auto known = earlier.find(plugin.name);
    AddPlugin(known == earlier.end() ? nullptr : known->second, plugin, events);
  }
  // A process that is gone has no devices: its row says nothing of their health.
  if (!after.stopping) AddDevices(before, after, events);
  return events;
}

}  // namespace nodedevice
