#include "devicemanager/conformance/comeback_scenarios.h"

#include <algorithm>
#include <filesystem>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <system_error>
#include <utility>

#include "devicemanager/kubelet_folder.h"
#include "lib/kubelet/socket_identity.h"

namespace nodedevice::devicemanager::conformance {
namespace {

namespace fs = std::filesystem;

constexpr Duration kKilledAndBack = std::chrono::milliseconds(360);  // seen of a kubelet
constexpr Duration kLongDown = std::chrono::seconds(2);
constexpr Duration kSlow = std::chrono::seconds(2);
constexpr Duration kAheadOfKubelet = std::chrono::seconds(1);

// Kills the kubelet and starts it again, after `unlike` has made it unlike others.
void Restart(
    KeptPlugin& plugin, Stage stage, const std::string& what, Duration down,
    const std::function<void(PlayedKubelet&)>& unlike = [](PlayedKubelet&) {}) {
  if (!plugin.Ready(stage, what)) return;
  PlayedKubelet& kubelet = plugin.kubelet();
  const std::uint64_t since = kubelet.newest();
  kubelet.Kill();
  plugin.Hold(down);
  unlike(kubelet);
  if (!kubelet.Start().ok()) return;
  plugin.AwaitComeback(stage, since, Clock::now());
  kubelet.AnswerAfter(Duration::zero());
  kubelet.TurnAwayOnce(false);
}

}  // namespace

void PlayRestart(KeptPlugin& plugin) {
  Restart(plugin, Stage::kRestart, "restart", kKilledAndBack);
}

void PlayLongRestart(KeptPlugin& plugin) {
  Restart(plugin, Stage::kRefusing, "restart, down for a while", kLongDown);
}

void PlaySlowKubelet(KeptPlugin& plugin) {
  Restart(plugin, Stage::kSlowKubelet, "restart, slow to answer", kKilledAndBack,
          [](PlayedKubelet& kubelet) { kubelet.AnswerAfter(kSlow); });
}

void PlayRefusedOnce(KeptPlugin& plugin) {
  Restart(plugin, Stage::kRefusedOnce, "restart, first Register refused", kKilledAndBack,
          [](PlayedKubelet& kubelet) { kubelet.TurnAwayOnce(true); });
}

void PlayCut(KeptPlugin& plugin) {
  if (!plugin.Ready(Stage::kCut, "stream cut")) return;
  const std::uint64_t since = plugin.kubelet().newest();
  const TimePoint begin = Clock::now();
  plugin.kubelet().CutStreams();
  plugin.AwaitComeback(Stage::kCut, since, begin);
}

void PlaySocketRemoved(KeptPlugin& plugin) {
  if (!plugin.Ready(Stage::kSocketRemoved, "socket removed")) return;
  const std::uint64_t since = plugin.kubelet().newest();
  Comeback comeback{.stage = Stage::kSocketRemoved, .patience = plugin.patience()};
  std::set<fs::path> sockets;
  bool any_found = false;
  for (const auto& [name, resource] : plugin.kubelet().Resources()) {
    const bool found = !resource.registry_socket.empty();
    sockets.insert(found ? resource.registry_socket : resource.socket);
    if (found) any_found = true;
  }
  const TimePoint begin = Clock::now();
  std::error_code error;
  for (const fs::path& socket : sockets) fs::remove(socket, error);
  // Whoever keeps the stream and makes the socket anew has done enough.
  const auto reachable = [&] {
    return !any_found && std::all_of(sockets.begin(), sockets.end(),
                                     [](const fs::path& socket) { return Connects(socket).ok(); });
  };
  const bool back = plugin.Supervise([&] { return plugin.AllBack(since) || reachable(); },
                                     plugin.patience(), &comeback.ended);
  const Duration after = Clock::now() - begin;
  for (const std::string& name : plugin.expected()) {
    comeback.resources[name] = back ? std::optional(after) : std::nullopt;
  }
  plugin.seen().comebacks.push_back(std::move(comeback));
}

void PlayBeforeKubelet(KeptPlugin& plugin) {
  if (plugin.interrupted()) return;
  plugin.Say("start before the kubelet");
  plugin.Keep(nullptr);
  PlayedKubelet& kubelet = plugin.kubelet();
  kubelet.Kill();
  kubelet.SetStage(Stage::kBeforeKubelet);
  // A node that boots has no kubelet.sock yet.
  if (!PrepareFolder(plugin.paths()).ok()) return;
  std::unique_ptr<PluginProcess> early;
  if (!plugin.Launch(&early).ok()) return;
  plugin.Keep(std::move(early));
  const std::uint64_t since = kubelet.newest();
  plugin.Hold(kAheadOfKubelet);
  if (!kubelet.Start().ok()) return;
  plugin.AwaitComeback(Stage::kBeforeKubelet, since, Clock::now());
}

}  // namespace nodedevice::devicemanager::conformance
