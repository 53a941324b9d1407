#include "tests/soak/node.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace nodedevice::soak {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kDomain = "example.com/";

Ids WithReplicas(const std::string& entry, const std::set<int>& devices, int replicas) {
  Ids ids;
  for (const int device : devices) {
    const std::string id = absl::StrCat(entry, device);
    for (int i = 0; i < replicas; ++i) {
      ids.insert(replicas == 1 ? id : absl::StrCat(id, "::", i));
    }
  }
  return ids;
}

std::set<int> AllDevices(const EntryKind& kind) {
  std::set<int> devices;
  for (int i = 0; i < kind.devices; ++i) devices.insert(i);
  return devices;
}

bool Contains(const Ids& all, const Ids& some) { return std::ranges::includes(all, some); }

bool Overlap(const Ids& one, const Ids& other) {
  return std::ranges::any_of(one, [&](const std::string& id) { return other.contains(id); });
}

Json EntryJson(const std::string& name, const Node::Entry& entry) {
  const EntryKind& kind = KindOf(name);
  Json json = {{"name", name},
               {"resourceName", ResourceOf(name)},
               {"sharing", {{"replicas", entry.replicas}}},
               {"container", {{"envs", {{"REVISION", absl::StrCat(entry.revision)}}}}}};
  if (!kind.is_static) {
    const Json path = {{"path", absl::StrCat("/dev/", name, "*")}};
    json["paths"]["groups"] = Json::array({{{"paths", Json::array({path})}}});
    return json;
  }
  Json devices = Json::array();
  for (int i = 0; i < kind.devices; ++i) {
    const std::string id = absl::StrCat(name, i);
    devices.push_back({{"id", id}, {"nodes", Json::array({{{"path", "/dev/" + id}}})}});
  }
  json["static"] = {{"devices", std::move(devices)}};
  return json;
}

}  // namespace

std::string ResourceOf(const std::string& entry) { return std::string(kDomain) + entry; }

std::string EntryOf(const std::string& resource) {
  return resource.starts_with(kDomain) ? resource.substr(kDomain.size()) : "";
}

const EntryKind& KindOf(const std::string& entry) {
  return *std::ranges::find(kEntries, entry, &EntryKind::name);
}

std::string Spelled(const std::string& id) {
  const std::size_t replica = std::min(id.find("::"), id.size());
  return id.substr(0, std::min(id.find('-'), replica)) + id.substr(replica);
}

std::string Text(const Ids& ids) { return ids.empty() ? "none" : absl::StrJoin(ids, ", "); }

Node Node::First(Source source) {
  Node node;
  node.source = source;
  for (const EntryKind& kind : kEntries) {
    Entry& entry = node.entries[std::string(kind.name)];
    entry.configured = kind.at_first;
    entry.plugged = AllDevices(kind);
    if (entry.configured) entry.seen = entry.plugged;
  }
  return node;
}

Ids Node::Announced(const std::string& name) const {
  const Entry& entry = entries.at(name);
  if (!entry.configured) return {};
  const EntryKind& kind = KindOf(name);
  return WithReplicas(name, kind.is_static ? AllDevices(kind) : entry.seen, entry.replicas);
}

Ids Node::Healthy(const std::string& name) const {
  const Entry& entry = entries.at(name);
  return entry.configured ? WithReplicas(name, entry.plugged, entry.replicas) : Ids();
}

Ids Node::InUse(const std::string& name) const {
  Ids ids;
  for (const auto& [pod, containers] : pods) {
    for (const auto& [container, held] : containers) {
      if (const auto found = held.find(name); found != held.end()) {
        ids.insert(found->second.begin(), found->second.end());
      }
    }
  }
  return ids;
}

Ids Node::Free(const std::string& name) const {
  const Ids in_use = InUse(name);
  Ids free = Healthy(name);
  std::erase_if(free, [&](const std::string& id) { return in_use.contains(id); });
  return free;
}

bool Node::Fits(const Asked& asked) const {
  std::map<std::string, int> sum;
  for (const auto& [container, wishes] : asked) {
    for (const auto& [entry, count] : wishes) sum[entry] += count;
  }
  return std::ranges::all_of(sum, [this](const auto& wish) {
    return wish.second <= static_cast<int>(Free(wish.first).size());
  });
}

int Node::Configured() const {
  return static_cast<int>(
      std::ranges::count_if(entries, [](const auto& entry) { return entry.second.configured; }));
}

bool Node::IsFirst() const {
  if (!pods.empty()) return false;
  return std::ranges::all_of(kEntries, [this](const EntryKind& kind) {
    const Entry& entry = entries.at(std::string(kind.name));
    return entry.configured == kind.at_first && entry.plugged == AllDevices(kind) &&
           (!entry.configured || (entry.replicas == 1 && entry.revision == 0));
  });
}

Json Node::Config() const {
  Json plugins = Json::array();
  for (const auto& [name, entry] : entries) {
    if (entry.configured) plugins.push_back(EntryJson(name, entry));
  }
  return {{"apiVersion", "nodedevices.io/v1alpha1"},
          {"kind", "DevicePluginConfig"},
          {"metadata", {{"name", "rig"}}},
          {"spec", {{"plugins", std::move(plugins)}}}};
}

Json Node::BadConfig() const {
  Json config = Config();
  config["spec"]["plugins"][0]["resourceName"] = "no-domain";
  return config;
}

void Node::Plug(const std::string& name, int device) {
  Entry& entry = entries.at(name);
  entry.plugged.insert(device);
  if (entry.configured) entry.seen.insert(device);
}

void Node::Unplug(const std::string& name, int device) { entries.at(name).plugged.erase(device); }

void Node::StartPlugin(const std::string& name) {
  Entry& entry = entries.at(name);
  entry.seen = entry.configured ? entry.plugged : std::set<int>();
}

void Node::StartAgent(Source from) {
  source = from;
  observer_kills = 0;
  for (auto& [name, entry] : entries) {
    StartPlugin(name);
    entry.kills = 0;
  }
}

void Node::Configure(const std::string& name, int replicas, int revision) {
  Entry& entry = entries.at(name);
  const Entry before = entry;
  entry.configured = true;
  entry.replicas = replicas;
  entry.revision = revision;
  if (!(before == entry)) StartPlugin(name);
}

void Node::Remove(const std::string& name) {
  Entry& entry = entries.at(name);
  entry.configured = false;
  entry.seen.clear();
}

std::string Node::Admitted(const std::string& pod, const Asked& asked, const ByContainer& given) {
  ByEntry taken;  // so far, by this pod
  for (const auto& [container, wishes] : asked) {
    for (const auto& [entry, count] : wishes) {
      const auto held = given.find(container);
      const Ids ids =
          held != given.end() && held->second.contains(entry) ? held->second.at(entry) : Ids();
      const std::string who = absl::StrCat("pod ", pod, ", container ", container, ": ");
      if (static_cast<int>(ids.size()) != count) {
        return absl::StrCat(who, "asked for ", count, " of ", entry, " and was given ", Text(ids));
      }
      if (!Contains(Healthy(entry), ids)) {
        return absl::StrCat(who, "was given ", Text(ids), ", of which healthy are ",
                            Text(Healthy(entry)));
      }
      if (Overlap(InUse(entry), ids) || Overlap(taken[entry], ids)) {
        return absl::StrCat(who, "was given ", Text(ids),
                            ", of which others hold some: ", Text(InUse(entry)));
      }
      taken[entry].insert(ids.begin(), ids.end());
    }
  }
  pods[pod] = given;
  return "";
}

std::string Node::Survivor() const {
  for (const auto& [pod, containers] : pods) {
    const bool is_well = std::ranges::all_of(containers, [this](const auto& container) {
      return std::ranges::all_of(container.second, [this](const auto& held) {
        return Contains(Healthy(held.first), held.second);
      });
    });
    if (is_well) return pod;
  }
  return "";
}

}  // namespace nodedevice::soak
