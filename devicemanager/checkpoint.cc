#include "devicemanager/checkpoint.h"

#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_join.h"
#include "devicemanager/spew_checksum.h"
#include "nlohmann/json.hpp"

namespace nodedevice::devicemanager {
namespace {

using Json = nlohmann::json;
using OrderedJson = nlohmann::ordered_json;

constexpr auto kReplaceBadUtf8 = Json::error_handler_t::replace;

absl::Status Bad(std::string_view field, std::string_view problem) {
  return absl::DataLossError(absl::StrCat(std::string(field), ": ", std::string(problem)));
}

const Json& Member(const Json& object, const char* key) {
  static const Json kNull;
  const auto found = object.find(key);
  return found == object.end() ? kNull : *found;
}

absl::StatusOr<std::string> ReadString(const Json& entry, const char* key,
                                       const std::string& field) {
  const Json& value = Member(entry, key);
  if (!value.is_string()) return Bad(absl::StrCat(field, ".", key), "is not a string");
  return value.get<std::string>();
}

absl::StatusOr<std::vector<std::string>> ReadIds(const Json& list, const std::string& field) {
  std::vector<std::string> ids;
  if (!list.is_array()) return Bad(field, "is not a list of device ids");
  for (const Json& id : list) {
    if (!id.is_string()) return Bad(field, "holds something that is not a device id");
    ids.push_back(id.get<std::string>());
  }
  return ids;
}

absl::StatusOr<PodDevicesEntry> ReadEntry(const Json& json, const std::string& field) {
  if (!json.is_object()) return Bad(field, "is not an object");
  PodDevicesEntry entry;
  ASSIGN_OR_RETURN(entry.pod_uid, ReadString(json, "PodUID", field));
  ASSIGN_OR_RETURN(entry.container, ReadString(json, "ContainerName", field));
  ASSIGN_OR_RETURN(entry.resource, ReadString(json, "ResourceName", field));
  const Json& devices = Member(json, "DeviceIDs");
  if (!devices.is_object()) return Bad(field + ".DeviceIDs", "is not a map by NUMA node");
  for (const auto& [node_text, ids] : devices.items()) {
    std::int64_t node = 0;
    const std::string path = absl::StrCat(field, ".DeviceIDs[", node_text, "]");
    if (!absl::SimpleAtoi(node_text, &node)) return Bad(path, "is not the number of a NUMA node");
    ASSIGN_OR_RETURN(entry.held.by_node[node], ReadIds(ids, path));
  }
  const Json& response = Member(json, "AllocResp");
  if (response.is_null()) {
    entry.held.response.reset();
  } else {
    if (!response.is_string() ||
        !absl::Base64Unescape(response.get<std::string>(), &*entry.held.response)) {
      return Bad(field + ".AllocResp", "is not base64");
    }
  }
  return entry;
}

// In the order in which a kubelet would print the maps; its own order is random.
std::vector<PodDevicesEntry> Entries(const PodDevices& pod_devices) {
  std::vector<PodDevicesEntry> entries;
  for (const auto& [uid, containers] : pod_devices.pods()) {
    for (const auto& [container, resources] : containers) {
      for (const auto& [resource, held] : resources) {
        entries.push_back({uid, container, resource, held});
      }
    }
  }
  return entries;
}

OrderedJson ToJson(const PodDevicesEntry& entry) {
  OrderedJson ids = OrderedJson::object();
  for (const auto& [node, on_node] : entry.held.by_node) ids[std::to_string(node)] = on_node;
  OrderedJson response;
  if (entry.held.response) response = absl::Base64Escape(*entry.held.response);
  return {{"PodUID", entry.pod_uid},
          {"ContainerName", entry.container},
          {"ResourceName", entry.resource},
          {"DeviceIDs", std::move(ids)},
          {"AllocResp", std::move(response)}};
}

}  // namespace

std::string EncodeCheckpoint(const Checkpoint& checkpoint) {
  const std::vector<PodDevicesEntry> entries = Entries(checkpoint.pod_devices);
  OrderedJson pods;  // null without entries, as the kubelet's nil slice
  for (const PodDevicesEntry& entry : entries) pods.push_back(ToJson(entry));
  OrderedJson registered = OrderedJson::object();
  for (const auto& [resource, ids] : checkpoint.registered) registered[resource] = ids;
  const OrderedJson document = {
      {"Data", {{"PodDeviceEntries", std::move(pods)}, {"RegisteredDevices", registered}}},
      {"Checksum", SpewChecksum(entries, checkpoint.registered)}};
  return document.dump(-1, ' ', false, kReplaceBadUtf8);
}

absl::StatusOr<Checkpoint> DecodeCheckpoint(std::string_view text) {
  const Json document = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (document.is_discarded()) return absl::DataLossError("not JSON");
  if (!document.is_object()) return absl::DataLossError("not a JSON object");
  const Json& data = Member(document, "Data");
  if (!data.is_object()) return Bad("Data", "is not an object");

  std::vector<PodDevicesEntry> entries;
  const Json& pods = Member(data, "PodDeviceEntries");
  if (!pods.is_null() && !pods.is_array()) return Bad("Data.PodDeviceEntries", "is not a list");
  for (std::size_t i = 0; i < pods.size(); ++i) {
    ASSIGN_OR_RETURN(PodDevicesEntry entry,
                     ReadEntry(pods[i], absl::StrCat("Data.PodDeviceEntries[", i, "]")));
    entries.push_back(std::move(entry));
  }
  Checkpoint checkpoint;
  const Json& registered = Member(data, "RegisteredDevices");
  if (!registered.is_object()) return Bad("Data.RegisteredDevices", "is not a map");
  for (const auto& [resource, ids] : registered.items()) {
    ASSIGN_OR_RETURN(checkpoint.registered[resource],
                     ReadIds(ids, absl::StrCat("Data.RegisteredDevices[", resource, "]")));
  }

  const Json& checksum = Member(document, "Checksum");
  if (!checksum.is_number_unsigned()) return Bad("Checksum", "is not a number");
  const std::uint32_t expected = SpewChecksum(entries, checkpoint.registered);
  if (checksum.get<std::uint64_t>() != expected) {
    return Bad("Checksum", absl::StrCat("the file says ", checksum.get<std::uint64_t>(),
                                        ", its content gives ", expected));
  }
  for (PodDevicesEntry& entry : entries) {
    checkpoint.pod_devices.Insert(entry.pod_uid, entry.container, entry.resource,
                                  std::move(entry.held));
  }
  return checkpoint;
}

}  // namespace nodedevice::devicemanager
