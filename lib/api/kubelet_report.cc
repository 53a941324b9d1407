#include "lib/api/kubelet_report.h"

#include <algorithm>
#include <limits>

#include "lib/api/field_reader.h"
#include "nlohmann/json.hpp"

namespace nodedevice {
namespace {

using Json = nlohmann::json;

// A node knows some dozens.
constexpr std::size_t kMaxResources = 1024;
// Of namespaces, pods, containers, resources and device ids; Kubernetes' own limits are below it.
constexpr std::size_t kMaxName = 320;
constexpr std::int64_t kMaxCount = std::numeric_limits<std::int64_t>::max();

std::string Name(std::string_view name) { return CleanReportText(name, kMaxName); }

std::uint64_t Count(std::uint64_t count) {
  return std::min(count, static_cast<std::uint64_t>(kMaxCount));
}

// The first `limit` of `list`, each as JSON.
template <typename T>
Json FirstOf(const std::vector<T>& list, std::size_t limit, Json (*to_json)(const T&)) {
  Json array = Json::array();
  for (const T& entry : list) {
    if (array.size() == limit) break;
    array.push_back(to_json(entry));
  }
  return array;
}

Json IdToJson(const std::string& id) { return Name(id); }

Json HolderToJson(const DeviceHolder& holder) {
  return {{"namespace", Name(holder.namespace_name)},
          {"pod", Name(holder.pod)},
          {"container", Name(holder.container)},
          {"resource", Name(holder.resource)},
          {"count", Count(holder.count)},
          {"devices", FirstOf(holder.devices, kMaxHeldDevices, IdToJson)}};
}

std::uint64_t ReadCount(ObjectReader& reader, std::string_view key) {
  return static_cast<std::uint64_t>(reader.Integer(key, 0, kMaxCount).value_or(0));
}

std::string ReadName(ObjectReader& reader, std::string_view key) {
  reader.Require(key);
  return reader.Text(key, kMaxName).value_or("");
}

DeviceHolder ReadHolder(const Element& element, FieldErrors& errors) {
  DeviceHolder holder;
  ObjectReader reader(element, errors);
  holder.namespace_name = ReadName(reader, "namespace");
  holder.pod = ReadName(reader, "pod");
  holder.container = ReadName(reader, "container");
  holder.resource = ReadName(reader, "resource");
  holder.count = ReadCount(reader, "count");
  for (const Element& id : reader.List("devices", kMaxHeldDevices)) {
    if (auto text = ReadText(id, errors, kMaxName)) holder.devices.push_back(*std::move(text));
  }
  return holder;
}

}  // namespace

std::string ToLine(const KubeletReport& report) {
  if (!report.error.empty()) return Json{{"error", CleanReportText(report.error)}}.dump();
  Json resources = Json::object();
  for (const auto& [name, use] : report.resources) {
    if (resources.size() == kMaxResources) break;
    resources[Name(name)] = {{"accepted", Count(use.accepted)},
                             {"allocated", Count(use.allocated)},
                             {"holders", Count(use.holders)}};
  }
  Json json = {{"resources", std::move(resources)},
               {"holders", FirstOf(report.holders, kMaxReportedHolders, HolderToJson)}};
  std::string line = json.dump();
  if (line.size() <= kMaxReportLine) return line;
  // The names of devices are the first that can be done without, then the last holders.
  for (Json& holder : json["holders"]) holder["devices"] = Json::array();
  for (line = json.dump(); line.size() > kMaxReportLine; line = json.dump()) {
    Json& holders = json["holders"];
    const auto half = static_cast<std::ptrdiff_t>(holders.size() / 2);
    holders.erase(holders.begin() + half, holders.end());
  }
  return line;
}

absl::StatusOr<KubeletReport> ParseKubeletReportLine(std::string_view line) {
  KubeletReport report;
  RETURN_IF_ERROR(ReadLine(line, [&report](ObjectReader& reader, FieldErrors& errors) {
    report.error = reader.Text("error", kMaxReportText).value_or("");
    if (!report.error.empty()) return;
    reader.Require("resources");
    for (const auto& [name, use] : reader.Map("resources", kMaxResources)) {
      const Json key = name;  // obeys the rules of a text
      if (!ReadText({&key, use.path}, errors, kMaxName)) continue;
      ObjectReader counts(use, errors);
      report.resources[name] = {.accepted = ReadCount(counts, "accepted"),
                                .allocated = ReadCount(counts, "allocated"),
                                .holders = ReadCount(counts, "holders")};
    }
    for (const Element& holder : reader.List("holders", kMaxReportedHolders)) {
      report.holders.push_back(ReadHolder(holder, errors));
    }
  }));
  return report;
}

}  // namespace nodedevice
