#include "lib/api/plugin_report.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "lib/api/field_reader.h"
#include "nlohmann/json.hpp"

namespace nodedevice {
namespace {

using Json = nlohmann::json;

// Bounds of a report, kept by the writer and checked by the reader. A report without devices and
// notes that uses them up still fits kMaxReportLine.
constexpr std::size_t kMaxResources = 64;
constexpr std::size_t kMaxNotes = 64;
constexpr std::size_t kMaxNumaNodes = 64;
constexpr std::size_t kMaxMethods = 8;
constexpr std::size_t kMaxMethodName = 64;
constexpr std::int64_t kMaxCount = std::numeric_limits<std::int64_t>::max();

constexpr std::array<std::pair<std::string_view, RegistrationPhase>, 8> kPhases = {{
    {"held", RegistrationPhase::kHeld},
    {"idle", RegistrationPhase::kIdle},
    {"starting", RegistrationPhase::kStarting},
    {"registering", RegistrationPhase::kRegistering},
    {"registered", RegistrationPhase::kRegistered},
    {"streaming", RegistrationPhase::kStreaming},
    {"waiting", RegistrationPhase::kWaiting},
    {"withdrawing", RegistrationPhase::kWithdrawing},
}};

std::uint64_t Count(std::uint64_t count) {
  return std::min(count, static_cast<std::uint64_t>(kMaxCount));
}

Json ToJson(const DeviceReport& device) {
  const auto& nodes = device.numa_nodes;
  return {{"id", CleanReportText(device.id)},
          {"healthy", device.healthy},
          {"reason", CleanReportText(device.reason)},
          {"paths", CleanReportText(device.paths)},
          {"numaNodes",
           std::vector<int>(nodes.begin(), nodes.begin() + static_cast<std::ptrdiff_t>(std::min(
                                                               nodes.size(), kMaxNumaNodes)))}};
}

Json ToJson(const RpcHistogram& histogram) {
  Json buckets = Json::array();
  for (const std::uint64_t bucket : histogram.buckets) buckets.push_back(Count(bucket));
  // JSON has no infinity.
  return {{"buckets", std::move(buckets)},
          {"count", Count(histogram.count)},
          {"sum", std::isfinite(histogram.sum) ? histogram.sum : 0.0}};
}

Json ToJson(const ResourceReport& resource) {
  Json devices = Json::array();
  for (const DeviceReport& device : resource.devices) {
    if (devices.size() == kMaxReportedDevices) break;
    devices.push_back(ToJson(device));
  }
  Json notes = Json::array();
  for (const std::string& note : resource.notes) {
    if (notes.size() == kMaxNotes) break;
    notes.push_back(CleanReportText(note));
  }
  Json rpc = Json::object();
  for (const auto& [method, histogram] : resource.rpc) {
    if (rpc.size() == kMaxMethods) break;
    rpc[CleanReportText(method, kMaxMethodName)] = ToJson(histogram);
  }
  return {{"resource", CleanReportText(resource.resource)},
          {"phase", std::string(ToString(resource.phase))},
          {"error", CleanReportText(resource.error)},
          {"registrationsOk", Count(resource.registrations_ok)},
          {"registrationsFailed", Count(resource.registrations_failed)},
          {"listUpdates", Count(resource.list_updates)},
          {"healthy", Count(resource.healthy)},
          {"unhealthy", Count(resource.unhealthy)},
          {"devices", std::move(devices)},
          {"notes", std::move(notes)},
          {"rpc", std::move(rpc)}};
}

// Keeps the first `count` entries of a list; true when that changed it.
bool KeepFirst(Json& list, std::size_t count) {
  if (list.size() <= count) return false;
  list.erase(list.begin() + static_cast<std::ptrdiff_t>(count), list.end());
  return true;
}

// ---- reading ------------------------------------------------------------------------------------

std::uint64_t ReadCount(ObjectReader& reader, std::string_view key) {
  return static_cast<std::uint64_t>(reader.Integer(key, 0, kMaxCount).value_or(0));
}

DeviceReport ReadDevice(const Element& element, FieldErrors& errors) {
  DeviceReport device;
  ObjectReader reader(element, errors);
  reader.Require("id");
  device.id = reader.Text("id", kMaxReportText).value_or("");
  device.healthy = reader.Bool("healthy").value_or(true);
  device.reason = reader.Text("reason", kMaxReportText).value_or("");
  device.paths = reader.Text("paths", kMaxReportText).value_or("");
  for (const std::int64_t node :
       reader.IntegerList("numaNodes", kMaxNumaNodes, 0, std::numeric_limits<int>::max())) {
    device.numa_nodes.push_back(static_cast<int>(node));
  }
  return device;
}

RpcHistogram ReadHistogram(const Element& element, FieldErrors& errors) {
  RpcHistogram histogram;
  ObjectReader reader(element, errors);
  const auto buckets = reader.IntegerList("buckets", kRpcBuckets.size(), 0, kMaxCount);
  if (reader.Require("buckets") && buckets.size() != kRpcBuckets.size()) {
    reader.Fail("buckets", absl::StrCat("must have ", kRpcBuckets.size(), " numbers"));
    return histogram;
  }
  std::copy(buckets.begin(), buckets.end(), histogram.buckets.begin());
  histogram.count = ReadCount(reader, "count");
  histogram.sum = reader.Number("sum").value_or(0);
  if (histogram.sum < 0) reader.Fail("sum", "must not be negative");
  if (!std::is_sorted(buckets.begin(), buckets.end()) ||
      (!buckets.empty() && histogram.buckets.back() > histogram.count)) {
    reader.FailHere("is not cumulative");
  }
  return histogram;
}

ResourceReport ReadResource(const Element& element, FieldErrors& errors) {
  ResourceReport resource;
  ObjectReader reader(element, errors);
  reader.Require("resource");
  resource.resource = reader.Text("resource", kMaxReportText).value_or("");
  reader.Require("phase");
  if (const auto text = reader.Text("phase")) {
    const auto found = std::find_if(kPhases.begin(), kPhases.end(),
                                    [&](const auto& phase) { return phase.first == *text; });
    if (found == kPhases.end()) {
      reader.Fail("phase", absl::StrCat("is unknown: ", Quoted(*text)));
    } else {
      resource.phase = found->second;
    }
  }
  resource.error = reader.Text("error", kMaxReportText).value_or("");
  resource.registrations_ok = ReadCount(reader, "registrationsOk");
  resource.registrations_failed = ReadCount(reader, "registrationsFailed");
  resource.list_updates = ReadCount(reader, "listUpdates");
  resource.healthy = ReadCount(reader, "healthy");
  resource.unhealthy = ReadCount(reader, "unhealthy");
  for (const Element& device : reader.List("devices", kMaxReportedDevices)) {
    resource.devices.push_back(ReadDevice(device, errors));
  }
  for (const Element& note : reader.List("notes", kMaxNotes)) {
    if (auto text = ReadText(note, errors, kMaxReportText))
      resource.notes.push_back(*std::move(text));
  }
  for (const auto& [method, histogram] : reader.Map("rpc", kMaxMethods)) {
    const Json name = method;  // obeys the rules of a text
    if (!ReadText({&name, histogram.path}, errors, kMaxMethodName)) continue;
    resource.rpc[method] = ReadHistogram(histogram, errors);
  }
  return resource;
}

}  // namespace

std::string_view ToString(RegistrationPhase phase) {
  for (const auto& [text, value] : kPhases) {
    if (value == phase) return text;
  }
  return "unknown";
}

std::string ToLine(const PluginReport& report) {
  Json resources = Json::array();
  for (const ResourceReport& resource : report.resources) {
    if (resources.size() == kMaxResources) break;
    resources.push_back(ToJson(resource));
  }
  Json json = {{"resources", std::move(resources)}};
  std::string line = json.dump();
  for (std::size_t devices = kMaxReportedDevices; line.size() > kMaxReportLine && devices > 0;) {
    devices /= 2;
    bool shorter = false;
    for (Json& resource : json["resources"]) {
      shorter |= KeepFirst(resource["devices"], devices);
      if (devices == 0) shorter |= KeepFirst(resource["notes"], 0);
    }
    if (shorter) line = json.dump();
  }
  return line;
}

absl::StatusOr<PluginReport> ParseReportLine(std::string_view line) {
  PluginReport report;
  RETURN_IF_ERROR(ReadLine(line, [&report](ObjectReader& reader, FieldErrors& errors) {
    reader.Require("resources");
    for (const Element& resource : reader.List("resources", kMaxResources)) {
      report.resources.push_back(ReadResource(resource, errors));
    }
  }));
  return report;
}

}  // namespace nodedevice
