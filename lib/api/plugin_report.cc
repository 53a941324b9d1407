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
constexpr std::int64_t kMaxValidSeconds = 86'400;
constexpr std::int64_t kMaxPercent = 100;
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

void SetCount(Json& object, const char* key, std::optional<std::uint64_t> count,
              std::int64_t high = kMaxCount) {
  if (count) object[key] = std::min(*count, static_cast<std::uint64_t>(high));
}

Json ToJson(const FiguresSample& figures) {
  Json devices = Json::array();
  for (const DeviceFigures& device : figures.devices) {
    if (devices.size() == kMaxReportedDevices) break;
    Json& entry = devices.emplace_back(Json{{"id", CleanReportText(device.id)}});
    SetCount(entry, "dutyCyclePercent", device.duty_cycle_percent, kMaxPercent);
    SetCount(entry, "memoryTotalBytes", device.memory_total_bytes);
    SetCount(entry, "memoryUsedBytes", device.memory_used_bytes);
  }
  const std::int64_t valid = figures.valid.count();
  return {{"sample", Count(figures.number)},
          {"validSeconds", std::clamp<std::int64_t>(valid, 1, kMaxValidSeconds)},
          {"devices", std::move(devices)}};
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
  Json json = {{"resource", CleanReportText(resource.resource)},
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
  if (resource.figures.number > 0) json["figures"] = ToJson(resource.figures);
  return json;
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

std::optional<std::uint64_t> ReadFigure(ObjectReader& reader, std::string_view key,
                                        std::int64_t high) {
  const auto figure = reader.Integer(key, 0, high);
  return figure ? std::optional(static_cast<std::uint64_t>(*figure)) : std::nullopt;
}

FiguresSample ReadFigures(const Element& element, FieldErrors& errors) {
  FiguresSample figures;
  ObjectReader reader(element, errors);
  reader.Require("sample");
  figures.number = static_cast<std::uint64_t>(reader.Integer("sample", 1, kMaxCount).value_or(0));
  reader.Require("validSeconds");
  figures.valid =
      std::chrono::seconds(reader.Integer("validSeconds", 1, kMaxValidSeconds).value_or(0));
  for (const Element& entry : reader.List("devices", kMaxReportedDevices)) {
    DeviceFigures device;
    ObjectReader fields(entry, errors);
    fields.Require("id");
    device.id = fields.Text("id", kMaxReportText).value_or("");
    device.duty_cycle_percent = ReadFigure(fields, "dutyCyclePercent", kMaxPercent);
    device.memory_total_bytes = ReadFigure(fields, "memoryTotalBytes", kMaxCount);
    device.memory_used_bytes = ReadFigure(fields, "memoryUsedBytes", kMaxCount);
    figures.devices.push_back(std::move(device));
  }
  return figures;
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
  if (const auto figures = reader.Any("figures")) resource.figures = ReadFigures(*figures, errors);
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
      if (const auto figures = resource.find("figures"); figures != resource.end()) {
        shorter |= KeepFirst((*figures)["devices"], devices);
      }
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
