#include "agent/narration.h"

#include <algorithm>
#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "lib/base/duration_text.h"

namespace nodedevice {
namespace {

using Level = Narration::Level;

void NarrateDeviceManager(const DeviceManagerStatus& before, const DeviceManagerStatus& after,
                          std::vector<Narration>& lines) {
  if (before.explanation != after.explanation && !after.explanation.empty()) {
    lines.push_back(
        {Level::kWarning, absl::StrCat("what the API says of the missing Device Manager: ",
                                       absl::StrJoin(after.explanation, "; "))});
  }
  if (before.up == after.up && before.since == after.since) return;
  if (!after.up) {
    lines.push_back(
        {Level::kWarning, absl::StrCat("the Device Manager is down: ", after.problem,
                                       "; plugins are kept and register again when it is back")});
  } else if (before.up) {
    lines.push_back(
        {Level::kInfo, "the Device Manager was replaced; every plugin must register again"});
  } else {
    lines.push_back({Level::kInfo, absl::StrCat("the Device Manager answers on ", after.socket)});
  }
}

void NarrateKubelet(const Snapshot& before, const Snapshot& after, std::vector<Narration>& lines) {
  if (!after.device_manager.up) return;  // which was said
  const std::string known = before.device_manager.up ? before.kubelet.error : "";
  if (!after.kubelet.error.empty() && known != after.kubelet.error) {
    lines.push_back({Level::kWarning,
                     absl::StrCat("the kubelet does not say which devices it accepts and which "
                                  "pods hold them: ",
                                  after.kubelet.error, "; that is tried again by itself")});
  } else if (after.kubelet.fresh && !known.empty()) {
    lines.push_back(
        {Level::kInfo, "the kubelet says which devices it accepts and which pods hold them"});
  }
}

void NarrateConfig(const ConfigStatus& before, const ConfigStatus& after,
                   std::vector<Narration>& lines) {
  if (!after.error.empty() && before.error != after.error) {
    lines.push_back({Level::kWarning,
                     absl::StrCat(after.accepted ? "the last good configuration stays in force: "
                                                 : "no configuration yet, waiting: ",
                                  after.error)});
  }
  if (after.error.empty() && after.accepted &&
      (before.generation != after.generation || !before.error.empty())) {
    lines.push_back({Level::kInfo, absl::StrCat("configuration ", after.source,
                                                " accepted, generation ", after.generation)});
  }
}

// Whether the API server can be asked for the configuration. Nothing is said of the first moments,
// in which it has not been asked yet.
void NarrateStaleness(const ConfigStatus& before, const ConfigStatus& after,
                      std::vector<Narration>& lines) {
  if (before.stale == after.stale || before.source.empty()) return;
  if (!after.stale.empty()) {
    lines.push_back(
        {Level::kWarning,
         absl::StrCat("the API server cannot be asked for ", after.source, ": ", after.stale,
                      after.accepted ? "; the last configuration stays in force"
                                     : "; no configuration yet, waiting")});
  } else {
    lines.push_back(
        {Level::kInfo, absl::StrCat("the API server answers, following ", after.source)});
  }
}

void NarratePreparation(const PreparationStatus& before, const PreparationStatus& after,
                        std::vector<Narration>& lines) {
  if (before == after || !after.asked) return;
  if (after.lacking.empty()) {
    lines.push_back({Level::kInfo, "the host is as spec.nodePreparation asks"});
  } else {
    lines.push_back({Level::kWarning, absl::StrCat("the host is not as spec.nodePreparation asks: ",
                                                   absl::StrJoin(after.lacking, "; "))});
  }
}

void NarrateConflicts(const ConflictStatus& before, const ConflictStatus& after,
                      std::vector<Narration>& lines) {
  if (before == after) return;
  const std::vector<std::string> known = SentencesOf(before);
  const std::vector<std::string> sentences = SentencesOf(after);
  for (const std::string& sentence : sentences) {
    if (std::ranges::find(known, sentence) == known.end()) {
      lines.push_back({Level::kWarning, absl::StrCat("entries in conflict: ", sentence)});
    }
  }
  if (sentences.empty()) {
    lines.push_back({Level::kInfo, "no entry is in conflict with another one any more"});
  }
}

Narration NarratePhase(const PluginStatus& plugin) {
  const std::string who = absl::StrCat("plugin ", plugin.name, ": ");
  switch (plugin.phase) {
    case PluginPhase::kHeld:
      return {Level::kInfo, absl::StrCat(who, "waits for ", plugin.held_by)};
    case PluginPhase::kStarting:
      return {Level::kInfo, plugin.pid == 0
                                ? absl::StrCat(who, "starting")
                                : absl::StrCat(who, "process ", plugin.pid, " has to register ",
                                               plugin.resource_name)};
    case PluginPhase::kRunning:
      return {Level::kInfo, absl::StrCat(who, "running as process ", plugin.pid,
                                         plugin.exec ? "" : ", registered")};
    case PluginPhase::kStopping:
      return {Level::kInfo, absl::StrCat(who, "stopping process ", plugin.pid)};
    case PluginPhase::kBackingOff: {
      const Duration wait = plugin.deadline ? *plugin.deadline - plugin.since : Duration::zero();
      return {
          Level::kWarning,
          absl::StrCat(
              who, plugin.last_exit, "; failures in a row: ", plugin.failures, "; starts again ",
              wait > Duration::zero() ? absl::StrCat("in ", DurationText(wait)) : "at once")};
    }
  }
  return {};
}

}  // namespace

std::vector<Narration> Narrate(const Snapshot& before, const Snapshot& after) {
  std::vector<Narration> lines;
  NarrateStaleness(before.config, after.config, lines);
  NarrateConfig(before.config, after.config, lines);
  NarrateDeviceManager(before.device_manager, after.device_manager, lines);
  NarrateKubelet(before, after, lines);
  NarratePreparation(before.preparation, after.preparation, lines);
  NarrateConflicts(before.conflicts, after.conflicts, lines);
  std::map<std::string, const PluginStatus*> gone;
  for (const PluginStatus& plugin : before.plugins) gone[plugin.name] = &plugin;
  for (const PluginStatus& plugin : after.plugins) {
    const auto known = gone.find(plugin.name);
    const PluginStatus* earlier = known == gone.end() ? nullptr : known->second;
    if (earlier) gone.erase(known);
    if (earlier && earlier->phase == PluginPhase::kStopping && plugin.pid != earlier->pid) {
      lines.push_back({Level::kInfo, absl::StrCat("plugin ", plugin.name, ": ", plugin.last_exit)});
    }
    if (!earlier || earlier->phase != plugin.phase || earlier->since != plugin.since) {
      lines.push_back(NarratePhase(plugin));
    }
  }
  for (const auto& [name, plugin] : gone) {
    lines.push_back({Level::kInfo, absl::StrCat("plugin ", name, ": ended")});
  }
  return lines;
}

}  // namespace nodedevice
