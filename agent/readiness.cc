#include "agent/readiness.h"

#include "absl/strings/str_cat.h"

namespace nodedevice {
namespace {

// The loop looks around every few seconds; many missed looks mean that it hangs.
constexpr auto kHangsAfter = std::chrono::seconds(60);

// What keeps one plugin from being registered.
std::string Describe(const PluginStatus& plugin) {
  std::string text = absl::StrCat("plugin ", plugin.name, ": ", ToString(plugin.phase));
  switch (plugin.phase) {
    case PluginPhase::kHeld:
      absl::StrAppend(&text, ", waits for ", plugin.held_by);
      break;
    case PluginPhase::kStarting:
      if (!plugin.note.empty()) absl::StrAppend(&text, ", ", plugin.note);
      for (const ResourceReport& resource : plugin.resources) {
        if (resource.phase == RegistrationPhase::kStreaming) continue;
        const std::string_view phase = ToString(resource.phase);
        absl::StrAppend(&text, ", ", resource.resource, " is ",
                        absl::string_view(phase.data(), phase.size()));
        if (!resource.error.empty()) absl::StrAppend(&text, ": ", resource.error);
      }
      break;
    case PluginPhase::kBackingOff:
      absl::StrAppend(&text, ", ", plugin.last_exit, ", ", plugin.failures,
                      plugin.failures == 1 ? " failure" : " failures in a row");
      break;
    case PluginPhase::kRunning:
    case PluginPhase::kStopping:
      break;
  }
  return text;
}

}  // namespace

std::vector<std::string> NotReadyReasons(const Snapshot& snapshot) {
  std::vector<std::string> reasons;
  if (snapshot.stopping) reasons.push_back("the agent is stopping");
  if (!snapshot.config.accepted) {
    const ConfigStatus& config = snapshot.config;
    const std::string& why = config.error.empty() ? config.stale : config.error;
    reasons.push_back(absl::StrCat("no configuration was accepted yet",
                                   why.empty() ? "" : absl::StrCat(": ", why)));
  }
  if (!snapshot.device_manager.up) {
    reasons.push_back(
        absl::StrCat("the Device Manager is down: ", snapshot.device_manager.problem));
    const std::vector<std::string>& why = snapshot.device_manager.explanation;
    reasons.insert(reasons.end(), why.begin(), why.end());
  }
  for (const PluginStatus& plugin : snapshot.plugins) {
    if (plugin.phase != PluginPhase::kRunning) reasons.push_back(Describe(plugin));
  }
  return reasons;
}

std::vector<std::string> NotAliveReasons(const Snapshot& snapshot, TimePoint now) {
  if (now - snapshot.looked_at < kHangsAfter) return {};
  const auto seconds =
      std::chrono::duration_cast<std::chrono::seconds>(now - snapshot.looked_at).count();
  return {absl::StrCat("the event loop has not come round for ", seconds, " s")};
}

}  // namespace nodedevice
