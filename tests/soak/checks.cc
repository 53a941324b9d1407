#include "tests/soak/checks.h"

#include <cstdlib>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace nodedevice::soak {
namespace {

using Json = nlohmann::json;

std::string HoldersText(const Pods& pods) {
  std::string text;
  for (const auto& [pod, containers] : pods) {
    for (const auto& [container, held] : containers) {
      for (const auto& [entry, ids] : held) {
        absl::StrAppend(&text, text.empty() ? "" : "; ", pod, "/", container, ": ", Text(ids));
      }
    }
  }
  return text.empty() ? "nothing" : text;
}

// Every device that stands under two containers.
Ids HeldTwice(const Pods& pods) {
  Ids once;
  Ids twice;
  for (const auto& [pod, containers] : pods) {
    for (const auto& [container, held] : containers) {
      for (const auto& [entry, ids] : held) {
        for (const std::string& id : ids) {
          if (!once.insert(id).second) twice.insert(id);
        }
      }
    }
  }
  return twice;
}

const Json* Find(const Json& kubelet, const std::string& resource) {
  for (const Json& seen : kubelet.at("resources")) {
    if (seen.value("name", "") == resource) return &seen;
  }
  return nullptr;
}

class Comparison {
 public:
  template <typename Value>
  void Expect(const std::string& what, const Value& expected, const Value& seen) {
    if (expected == seen) return;
    differences_.push_back(absl::StrCat(what, " is ", seen, " and should be ", expected));
  }
  void Add(std::string difference) { differences_.push_back(std::move(difference)); }
  std::vector<std::string> Take() { return std::move(differences_); }

 private:
  std::vector<std::string> differences_;
};

int Count(const Ids& ids) { return static_cast<int>(ids.size()); }

double SeriesOf(const Seen& seen, const std::string& name) {
  const auto found = seen.series.find("nodedevice_" + name);
  return found == seen.series.end() ? -1 : found->second;
}

// A plugin that was not killed by us has not ended by itself.
double RestartsOf(const Seen& seen, const std::string& entry) {
  double restarts = 0;
  const std::string start = absl::StrCat("nodedevice_plugin_restarts_total{plugin=\"", entry, "\"");
  for (const auto& [name, value] : seen.series) {
    if (name.starts_with(start)) restarts += value;
  }
  return restarts;
}

// What the agent's metrics say of an entry; nothing, when it is not configured.
void CompareEntry(const Node& node, const std::string& name, const Seen& seen,
                  Comparison& comparison) {
  const Node::Entry& entry = node.entries.at(name);
  const auto expect = [&](const std::string& family, const std::string& more, std::size_t count) {
    const std::string series =
        absl::StrCat(family, "{resource=\"", ResourceOf(name), "\"", more, "}");
    comparison.Expect(series, entry.configured ? static_cast<double>(count) : -1.0,
                      SeriesOf(seen, series));
  };
  const std::size_t healthy = node.Healthy(name).size();
  expect("devices", ",health=\"Healthy\"", healthy);
  expect("devices", ",health=\"Unhealthy\"", node.Announced(name).size() - healthy);
  expect("devices_accepted", "", healthy);
  expect("devices_allocated", "", node.InUse(name).size());
  expect("stream_connected", "", 1);
  if (const double restarts = RestartsOf(seen, name); restarts > entry.kills) {
    comparison.Add(absl::StrCat(name, " was restarted ", restarts, " times and was killed only ",
                                entry.kills, " times"));
  }
}

void CompareProcesses(const Node& node, const Seen& seen, Comparison& comparison) {
  std::map<std::string, int> running;
  for (const SeenProcess& process : seen.processes) {
    ++running[process.entry];
    if (const auto entry = node.entries.find(process.entry); entry != node.entries.end()) {
      comparison.Expect(absl::StrCat("the revision that process ", process.pid, " of ",
                                     process.entry, " was started with"),
                        entry->second.revision, process.revision);
    }
    if (process.parent == seen.agent) continue;
    comparison.Add(absl::StrCat(
        "process ", process.pid, " of ", process.entry.empty() ? "the observer" : process.entry,
        " is an orphan: its parent is ", process.parent, " and not the agent, ", seen.agent));
  }
  for (const auto& [name, entry] : node.entries) {
    comparison.Expect(absl::StrCat("the number of processes of ", name), entry.configured ? 1 : 0,
                      running[name]);
  }
  comparison.Expect("the number of observers", 1, running[""]);
}

}  // namespace

Pods PodsOf(const Json& kubelet) {
  Pods pods;
  for (const Json& pod : kubelet.at("pods")) {
    ByContainer& containers = pods[pod.value("uid", "")];
    for (const auto& [container, resources] : pod.at("devices").items()) {
      for (const auto& [resource, ids] : resources.items()) {
        Ids& held = containers[container][EntryOf(resource)];
        for (const Json& id : ids) held.insert(Spelled(id.get<std::string>()));
      }
    }
  }
  return pods;
}

std::vector<std::string> PodsDiffer(const Node& node, const Json& kubelet) {
  Comparison comparison;
  const Pods pods = PodsOf(kubelet);
  if (const Ids twice = HeldTwice(pods); !twice.empty()) {
    comparison.Add("given to two at once: " + Text(twice));
  }
  if (pods != node.pods) {
    comparison.Add(
        absl::StrCat("pods hold ", HoldersText(pods), " and should hold ", HoldersText(node.pods)));
  }
  return comparison.Take();
}

std::vector<std::string> KubeletDiffers(const Node& node, const Json& kubelet) {
  Comparison comparison;
  for (const auto& [name, entry] : node.entries) {
    const std::string resource = ResourceOf(name);
    const Json* seen = Find(kubelet, resource);
    if (seen == nullptr) {
      if (entry.configured) comparison.Add("the kubelet does not know " + resource);
      continue;
    }
    const std::string at_kubelet = absl::StrCat("at the kubelet, ", resource, "'s ");
    comparison.Expect(at_kubelet + "capacity", Count(node.Announced(name)),
                      seen->value("capacity", -1));
    comparison.Expect(at_kubelet + "allocatable", Count(node.Healthy(name)),
                      seen->value("allocatable", -1));
    comparison.Expect(at_kubelet + "allocated", Count(node.InUse(name)),
                      seen->value("allocated", -1));
    comparison.Expect<int>(at_kubelet + "connection", entry.configured,
                           seen->value("connected", false));
  }
  return comparison.Take();
}

std::vector<std::string> AgentDiffers(const Node& node, const Seen& seen) {
  if (seen.series.empty()) return {"the agent does not answer"};
  Comparison comparison;
  comparison.Expect("device_manager_up", 1.0, SeriesOf(seen, "device_manager_up"));
  comparison.Expect("config_rejected", 0.0, SeriesOf(seen, "config_rejected"));
  if (node.source == Source::kApi) {
    comparison.Expect("config_stale", 0.0, SeriesOf(seen, "config_stale"));
  }
  for (const auto& [name, entry] : node.entries) CompareEntry(node, name, seen, comparison);
  if (seen.ready_status != 200) {
    comparison.Add(absl::StrCat("/readyz says ", seen.ready_status, ": ", seen.ready_body));
  }
  CompareProcesses(node, seen, comparison);
  return comparison.Take();
}

int FactsOf(const Node& node) {
  constexpr int kOfAnEntry = 4 + 6 + 1;  // at the kubelet, in the agent's metrics, its process
  constexpr int kOfTheNode = 2 + 3 + 1;  // pods; up, accepted and ready; the observer
  return static_cast<int>(node.entries.size()) * kOfAnEntry + kOfTheNode;
}

std::map<std::string, double> ParseSeries(std::string_view text) {
  std::map<std::string, double> series;
  for (const absl::string_view line :
       absl::StrSplit(absl::string_view(text.data(), text.size()), '\n')) {
    const std::size_t blank = line.rfind(' ');
    if (line.empty() || line[0] == '#' || blank == absl::string_view::npos) continue;
    series[std::string(line.substr(0, blank))] =
        std::atof(std::string(line.substr(blank + 1)).c_str());
  }
  return series;
}

}  // namespace nodedevice::soak
