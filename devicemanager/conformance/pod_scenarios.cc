#include "devicemanager/conformance/pod_scenarios.h"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "devicemanager/conformance/set_aside.h"

namespace nodedevice::devicemanager::conformance {
namespace {

// From a refused call to the end of the process that it may be, longer when the connection broke.
constexpr Duration kTellsItsEnd = std::chrono::milliseconds(100);
constexpr Duration kBrokenTellsItsEnd = std::chrono::seconds(3);
constexpr char kConnectionBroke[] = "rpc error: code = Unavailable";

std::size_t HealthyDevices(const std::map<std::string, PlayedKubelet::Registered>& resources) {
  std::size_t healthy = 0;
  for (const auto& [name, resource] : resources) {
    healthy += static_cast<std::size_t>(
        std::count_if(resource.devices.begin(), resource.devices.end(),
                      [](const ListedDevice& device) { return device.health == "Healthy"; }));
  }
  return healthy;
}

}  // namespace

void PlayCalls(KeptPlugin& plugin, const CallChoice& choice) {
  if (!plugin.Ready(Stage::kCalls, "calls")) return;
  for (const auto& [name, resource] : plugin.kubelet().Resources()) {
    const CallContext context{
        .connection =
            [&plugin, &name = name] {
              const auto resources = plugin.kubelet().Resources();
              return plugin.IsBack(name, 0) ? resources.at(name).connection : nullptr;
            },
        .after =
            [&plugin](const std::string& doing, bool impossible, const Outcome& outcome) {
              if (outcome.ok()) return;
              plugin.WaitFor(
                  [&plugin] { return plugin.ended(); },
                  outcome.error.starts_with(kConnectionBroke) ? kBrokenTellsItsEnd : kTellsItsEnd);
              plugin.NoteDeath(Stage::kCalls, doing, impossible);
            }};
    MakeCalls(name, resource.devices, resource.options, choice, context, &plugin.seen());
  }
}

void PlayHotplug(KeptPlugin& plugin, const std::filesystem::path& device) {
  if (!plugin.Ready(Stage::kHotplug, "hotplug")) return;
  Hotplug hotplug{.path = device, .patience = plugin.patience()};
  const auto healthy = [&plugin] { return HealthyDevices(plugin.kubelet().Resources()); };
  const std::size_t before = healthy();
  absl::StatusOr<SetAside> aside = SetAside::Move(device);
  if (!aside.ok()) {
    plugin.Say(std::string(aside.status().message()));
    return;
  }
  std::vector<ChildExit> ended;
  TimePoint begin = Clock::now();
  if (plugin.Supervise([&] { return healthy() < before; }, plugin.patience(), &ended)) {
    hotplug.removal_listed = Clock::now() - begin;
  }
  begin = Clock::now();
  if (const absl::Status back = aside->PutBack(); !back.ok()) {
    plugin.Say(std::string(back.message()));
  }
  if (hotplug.removal_listed &&
      plugin.Supervise([&] { return healthy() >= before; }, plugin.patience(), &ended)) {
    hotplug.return_listed = Clock::now() - begin;
  }
  plugin.seen().hotplug = hotplug;
}

}  // namespace nodedevice::devicemanager::conformance
