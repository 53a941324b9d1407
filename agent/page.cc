#include "agent/page.h"

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "agent/page_style.h"
#include "agent/readiness.h"
#include "lib/base/duration_text.h"
#include "lib/base/markup.h"

namespace nodedevice {
namespace {

constexpr int kRefreshSeconds = 3;

std::string Status(std::string_view style, std::string_view text) {
  return absl::StrCat("<span class=\"", std::string(style), "\">", EscapeMarkup(text), "</span>");
}

// A table of which a narrow screen shows each row as a card: the heading of each column stands
// before its cells there.
class Table {
 public:
  explicit Table(std::vector<std::string> headings) : headings_(std::move(headings)) {
    html_ = "<table><thead><tr>";
    for (const std::string& heading : headings_) absl::StrAppend(&html_, "<th>", heading, "</th>");
    html_ += "</tr></thead><tbody>\n";
  }

  // One cell of HTML for each heading.
  void AddRow(const std::vector<std::string>& cells) {
    html_ += "<tr>";
    for (std::size_t i = 0; i < cells.size(); ++i) {
      absl::StrAppend(&html_, "<td data-label=\"", headings_[i], "\">", cells[i], "</td>");
    }
    html_ += "</tr>\n";
  }

  std::string Finish() && { return std::move(html_) + "</tbody></table>\n"; }

 private:
  const std::vector<std::string> headings_;
  std::string html_;
};

// Something to do, with the words of what went wrong below it.
std::string Alert(std::string_view advice, std::string_view details) {
  return absl::StrCat("<div class=\"card alert\">", EscapeMarkup(advice), "<pre>",
                      EscapeMarkup(details), "</pre></div>\n");
}

std::string_view StyleOf(PluginPhase phase) {
  switch (phase) {
    case PluginPhase::kRunning:
      return "good";
    case PluginPhase::kHeld:
    case PluginPhase::kStarting:
    case PluginPhase::kStopping:
      return "wait";
    case PluginPhase::kBackingOff:
      return "bad";
  }
  return "bad";
}

std::string Alerts(const Snapshot& snapshot) {
  std::string html;
  const ConfigStatus& config = snapshot.config;
  if (!config.error.empty()) {
    html += Alert(config.accepted
                      ? absl::StrCat("The newest version of ", config.source,
                                     " is not in force; the last good one is. Correct it: it is "
                                     "read again when it changes.")
                      : absl::StrCat("There is no configuration yet, so no plugin runs. Write or "
                                     "correct ",
                                     config.source, ": it is read as soon as it changes."),
                  config.error);
  }
  if (!config.stale.empty()) {
    html +=
        Alert(absl::StrCat(
                  "The API server cannot be asked for ", config.source, "; ",
                  config.accepted ? "the last configuration stays in force. Plugins and devices "
                                    "are not touched by this, but edits do not arrive."
                                  : "there is no configuration yet, so no plugin runs.",
                  " It is asked again by itself. If that lasts, what it said tells where to look; "
                  "if it said nothing, check the way from this node to it."),
              config.stale);
  }
  if (!snapshot.device_manager.up) {
    const std::vector<std::string>& why = snapshot.device_manager.explanation;
    html += Alert(
        "The Device Manager does not answer. Check that the kubelet (or device-manager) runs on "
        "this node and that --kubelet-dir is its folder; plugins register by themselves once it is "
        "back.",
        absl::StrCat(snapshot.device_manager.problem, why.empty() ? "" : "\n",
                     absl::StrJoin(why, "\n")));
  }
  if (!snapshot.preparation.lacking.empty()) {
    html += Alert(
        "This host is not as spec.nodePreparation asks. Once it is, by the MachineConfig of that "
        "configuration or by hand, this goes away by itself.",
        absl::StrJoin(snapshot.preparation.lacking, "\n"));
  }
  if (const std::vector<std::string> conflicts = SentencesOf(snapshot.conflicts);
      !conflicts.empty()) {
    html += Alert(
        "Entries of the configuration are in each other's way. Their plugins run on; pods may get "
        "what others have, or not what you wrote.",
        absl::StrJoin(conflicts, "\n"));
  }
  for (const PluginStatus& plugin : snapshot.plugins) {
    if (plugin.phase == PluginPhase::kBackingOff && plugin.failures > 1) {
      html += Alert(absl::StrCat("Plugin ", plugin.name, " failed ", plugin.failures,
                                 " times in a row. What it printed is in the agent's log; it is "
                                 "started again by itself, and at once when its entry changes."),
                    plugin.last_exit);
    }
  }
  return html;
}

std::string Overview(const Snapshot& snapshot, TimePoint now) {
  const DeviceManagerStatus& manager = snapshot.device_manager;
  const std::vector<std::string> reasons = NotReadyReasons(snapshot);
  std::string html = "<div class=\"card\">";
  absl::StrAppend(&html, reasons.empty() ? Status("good", "Ready") : Status("bad", "Not ready"));
  if (!reasons.empty()) {
    absl::StrAppend(&html, "<pre>", EscapeMarkup(absl::StrJoin(reasons, "\n")), "</pre>");
  }
  absl::StrAppend(&html, "</div>\n<div class=\"card\">Device Manager: ",
                  manager.up ? Status("good", "up") : Status("bad", "down"), " for ",
                  DurationText(now - manager.since), ", restarts seen: ", manager.restarts,
                  "<br><span class=\"dim\">", EscapeMarkup(manager.socket), "</span></div>\n");
  absl::StrAppend(&html, "<div class=\"card\">Configuration: ",
                  !snapshot.config.error.empty() ? Status("bad", "newest version rejected")
                  : snapshot.config.accepted     ? Status("good", "accepted")
                                                 : Status("wait", "not read yet"),
                  ", generation in force: ", snapshot.config.generation, "<br><span class=\"dim\">",
                  EscapeMarkup(snapshot.config.source), "</span></div>\n");
  return html;
}

std::string Plugins(const Snapshot& snapshot, TimePoint now) {
  if (snapshot.plugins.empty()) return "<p class=\"dim\">The configuration names no plugin.</p>\n";
  Table table({"Plugin", "Resource", "State", "Process", "Restarts", "Last exit"});
  for (const PluginStatus& plugin : snapshot.plugins) {
    std::string state = absl::StrCat(Status(StyleOf(plugin.phase), ToString(plugin.phase)), " for ",
                                     DurationText(now - plugin.since));
    if (!plugin.held_by.empty()) {
      absl::StrAppend(&state, "<br>waits for ", EscapeMarkup(plugin.held_by));
    }
    if (!plugin.note.empty()) absl::StrAppend(&state, "<br>", EscapeMarkup(plugin.note));
    if (plugin.phase == PluginPhase::kBackingOff && plugin.deadline && *plugin.deadline > now) {
      absl::StrAppend(&state, "<br>starts in ", DurationText(*plugin.deadline - now));
    }
    table.AddRow({EscapeMarkup(plugin.name), EscapeMarkup(plugin.resource_name), state,
                  plugin.pid == 0 ? "-" : absl::StrCat(plugin.pid),
                  absl::StrCat(plugin.total_restarts()),
                  plugin.last_exit.empty() ? "-" : EscapeMarkup(plugin.last_exit)});
  }
  return std::move(table).Finish();
}

std::string Devices(const ResourceReport& resource) {
  if (resource.devices.empty()) return "<p class=\"dim\">No devices.</p>\n";
  Table table({"Device", "Health", "Reason", "Paths", "NUMA"});
  for (const DeviceReport& device : resource.devices) {
    table.AddRow({EscapeMarkup(device.id),
                  device.healthy ? Status("good", "Healthy") : Status("bad", "Unhealthy"),
                  device.reason.empty() ? "-" : EscapeMarkup(device.reason),
                  device.paths.empty() ? "-" : EscapeMarkup(device.paths),
                  device.numa_nodes.empty() ? "-" : absl::StrJoin(device.numa_nodes, ", ")});
  }
  std::string html = std::move(table).Finish();
  if (resource.devices.size() >= kMaxReportedDevices) {
    absl::StrAppend(&html, "<p class=\"dim\">Only the first ", kMaxReportedDevices,
                    " are listed.</p>\n");
  }
  return html;
}

// "4 accepted by the kubelet, 1 allocated", or nothing while that is not known.
std::string Use(const KubeletView& kubelet, const std::string& resource) {
  const auto use = kubelet.resources.find(resource);
  if (use == kubelet.resources.end()) return "";
  return absl::StrCat(use->second.accepted, " accepted by the kubelet, ", use->second.allocated,
                      " allocated");
}

std::string Announced(const ResourceReport& resource, const KubeletView& kubelet) {
  const bool streaming = resource.phase == RegistrationPhase::kStreaming;
  const std::string use = Use(kubelet, resource.resource);
  std::string html = absl::StrCat("<h3>", EscapeMarkup(resource.resource), "</h3><p>",
                                  Status(streaming ? "good" : "wait", ToString(resource.phase)),
                                  ", ", resource.healthy, " healthy, ", resource.unhealthy,
                                  " unhealthy", use.empty() ? "" : ", ", use, "</p>\n");
  if (!resource.error.empty()) {
    html += Alert("The last registration failed; it is tried again by itself.", resource.error);
  }
  for (const std::string& note : resource.notes) {
    absl::StrAppend(&html, "<p class=\"dim\">", EscapeMarkup(note), "</p>\n");
  }
  return html + Devices(resource);
}

std::string Resources(const Snapshot& snapshot) {
  std::string html;
  for (const PluginStatus& plugin : snapshot.plugins) {
    for (const ResourceReport& resource : plugin.resources) {
      html += Announced(resource, snapshot.kubelet);
    }
    const std::string use = Use(snapshot.kubelet, plugin.resource_name);
    if (plugin.exec && !use.empty()) {
      absl::StrAppend(&html, "<h3>", EscapeMarkup(plugin.resource_name), "</h3><p>", use, "</p>\n");
    }
  }
  return html.empty() ? "<p class=\"dim\">No plugin has reported a resource yet.</p>\n" : html;
}

std::string Holders(const KubeletView& kubelet) {
  if (!kubelet.fresh) {
    return absl::StrCat("<p class=\"dim\">The kubelet does not say which pods hold devices",
                        kubelet.error.empty() ? "" : ": ", EscapeMarkup(kubelet.error), "</p>\n");
  }
  if (kubelet.holders.empty()) return "<p class=\"dim\">No pod holds one.</p>\n";
  Table table({"Pod", "Container", "Resource", "Devices"});
  for (const DeviceHolder& holder : kubelet.holders) {
    std::string devices = EscapeMarkup(absl::StrJoin(holder.devices, ", "));
    if (holder.devices.size() < holder.count) {
      absl::StrAppend(&devices, devices.empty() ? "" : ", ... ", holder.count, " in all");
    }
    table.AddRow({EscapeMarkup(absl::StrCat(holder.namespace_name, "/", holder.pod)),
                  EscapeMarkup(holder.container), EscapeMarkup(holder.resource), devices});
  }
  return std::move(table).Finish();
}

}  // namespace

std::string RenderPage(const Snapshot& snapshot, TimePoint now) {
  return absl::StrCat(
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
      "<meta http-equiv=\"refresh\" content=\"",
      kRefreshSeconds, "\"><title>Devices of this node</title><style>", kPageStyle,
      "</style></head>\n<body><h1>Devices of this node</h1>\n", Alerts(snapshot),
      Overview(snapshot, now), "<h2>Plugins</h2>\n", Plugins(snapshot, now),
      "<h2>Resources and devices</h2>\n", Resources(snapshot), "<h2>Pods that hold devices</h2>\n",
      Holders(snapshot.kubelet), "<footer class=\"dim\">node-device-agent ",
      EscapeMarkup(snapshot.version), ", up for ", DurationText(now - snapshot.started),
      " &middot; <a href=\"/metrics\">metrics</a> &middot; <a href=\"/readyz\">readiness</a>"
      "</footer></body></html>\n");
}

}  // namespace nodedevice
