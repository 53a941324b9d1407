#include "devicemanager/conformance/process_scenarios.h"

#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <system_error>
#include <utility>

namespace nodedevice::devicemanager::conformance {
namespace {

namespace fs = std::filesystem;

constexpr Duration kGrowthBudget = std::chrono::seconds(20);
constexpr int kMostRegistrations = 1000;
constexpr int kWarmUpAtLeast = 2;
// By then what outlives a restart for a while is as much as it gets: NVIDIA's plugin leaves a check
// behind that waits up to 5 s for its driver, on a thread of its own.
constexpr Duration kWarmUp = std::chrono::seconds(7);
constexpr Duration kAfterTheEnd = std::chrono::seconds(1);  // for what goes with a process

// By which name a kubelet finds each of two instances. Those in plugins_registry have two; where
// one of them is the same, that is the one that counts.
std::pair<std::string, std::string> EndpointsOf(const PlayedKubelet::Registered& first,
                                                const PlayedKubelet::Registered& second) {
  if (first.registry_socket.empty() || second.registry_socket.empty()) {
    return {first.endpoint, second.endpoint};
  }
  if (first.socket == second.socket) return {first.socket, second.socket};
  return {first.registry_socket.filename(), second.registry_socket.filename()};
}

bool IsSocket(const fs::path& path) {
  std::error_code error;
  return fs::is_socket(fs::symlink_status(path, error));
}

}  // namespace

void PlayGrowth(KeptPlugin& plugin, std::optional<int> registrations) {
  if (!plugin.Ready(Stage::kGrowth, "many restarts")) return;
  PlayedKubelet& kubelet = plugin.kubelet();
  const int target = registrations.value_or(kMostRegistrations);
  const int warm_up = std::max(kWarmUpAtLeast, target / 10);
  Growth growth;
  TimePoint begin = Clock::now();
  const TimePoint start = begin;
  int before_at = -1;
  int done = 0;
  for (; done < target; ++done) {
    if (!registrations && Clock::now() - start > kGrowthBudget) break;
    const bool warm = registrations ? done >= warm_up
                                    : done >= kWarmUpAtLeast &&
                                          (Clock::now() - start >= kWarmUp || done >= target / 3);
    if (before_at < 0 && warm) {
      growth.before = plugin.process().Measure();
      begin = Clock::now();
      before_at = done;
    }
    const std::uint64_t since = kubelet.newest();
    kubelet.Kill();
    if (plugin.interrupted() || !kubelet.Start().ok()) return;
    plugin.WaitFor([&] { return plugin.AllBack(since) || plugin.ended(); }, plugin.patience());
    growth.process_changed = plugin.ended();
    growth.gave_up = !growth.process_changed && !plugin.AllBack(since);
    if (growth.process_changed || growth.gave_up) break;
  }
  growth.registrations = done - std::max(0, before_at);
  growth.took = Clock::now() - begin;
  growth.after = plugin.process().Measure();
  if (before_at < 0) growth.before = growth.after;  // it was never warm: too few to tell anything
  plugin.seen().growth = growth;
  if (growth.process_changed || growth.gave_up) plugin.Recover();
}

void PlayOverlap(KeptPlugin& plugin) {
  if (!plugin.Ready(Stage::kOverlap, "two instances")) return;
  Overlap overlap;
  const auto first = plugin.kubelet().Resources();
  const std::uint64_t since = plugin.kubelet().newest();
  std::unique_ptr<PluginProcess> second;
  if (!plugin.Launch(&second).ok()) return;
  plugin.WaitFor([&] { return plugin.AllBack(since) || second->exit(); }, plugin.patience());
  overlap.second_ended = second->exit();
  for (const auto& [name, resource] : plugin.kubelet().Resources()) {
    const auto before = first.find(name);
    if (before == first.end() || resource.number <= since) continue;
    overlap.endpoints[name] = EndpointsOf(before->second, resource);
  }
  plugin.process().Signal(SIGTERM);
  plugin.WaitFor([&] { return plugin.ended(); }, Stop().grace);
  plugin.Keep(std::move(second));
  plugin.AwaitComeback(Stage::kOverlap, since, Clock::now(), [&] { return plugin.Quiet(); });
  plugin.seen().overlap = std::move(overlap);
}

void PlayStop(KeptPlugin& plugin) {
  if (!plugin.Ready(Stage::kStop, "SIGTERM")) return;
  PlayedKubelet& kubelet = plugin.kubelet();
  Stop stop;
  const auto before = kubelet.Resources();
  const TimePoint begin = Clock::now();
  plugin.process().Signal(SIGTERM);
  if (plugin.WaitFor([&] { return plugin.ended(); }, stop.grace)) {
    stop.ended_after = Clock::now() - begin;
    stop.exit = *plugin.process().exit();
    stop.streams_ended = plugin.WaitFor([&] { return kubelet.open_streams() == 0; }, kAfterTheEnd);
    plugin.WaitFor([&] { return plugin.process().Running().empty(); }, kAfterTheEnd);
  } else {
    stop.ended_after = std::nullopt;
  }
  stop.processes_left = static_cast<int>(plugin.process().Running().size());
  for (const auto& [name, resource] : kubelet.Resources()) {
    const auto was = before.find(name);
    if (was == before.end()) continue;
    const fs::path& in_registry = was->second.registry_socket;
    if (!in_registry.empty()) {
      stop.was_in_registry = true;
      if (IsSocket(in_registry)) stop.registry_left.push_back(in_registry.filename());
    }
    if (was->second.socket != in_registry && IsSocket(was->second.socket)) {
      stop.sockets_left.push_back(was->second.endpoint);
    }
    if (resource.devices.empty() && !was->second.devices.empty()) stop.listed_nothing_last = true;
  }
  plugin.seen().stop = std::move(stop);
  plugin.Keep(nullptr);
}

}  // namespace nodedevice::devicemanager::conformance
