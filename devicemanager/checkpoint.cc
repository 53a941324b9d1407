#include "devicemanager/checkpoint.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "nlohmann/json.hpp"

namespace nodedevice::devicemanager {
namespace {

using Json = nlohmann::json;

// One allocation, as it stands in the file.
struct Entry {
  std::string pod_uid;
  std::string container;
  std::string resource;
  HeldDevices held;
};

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

absl::StatusOr<Entry> ReadEntry(const Json& json, const std::string& field) {
  if (!json.is_object()) return Bad(field, "is not an object");
  Entry entry;
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

// Stands for itself between the quotes of a JSON string.
bool IsPlain(char c) {
  return absl::ascii_isprint(static_cast<unsigned char>(c)) && c != '"' && c != '\\';
}

}  // namespace

CheckpointWriter::CheckpointWriter(std::string buffer) : text_(std::move(buffer)) {
  text_ = R"({"Data":{"PodDeviceEntries":)";
}

void CheckpointWriter::AppendText(std::string_view text) {
  if (std::all_of(text.begin(), text.end(), IsPlain)) {
    text_ += '"';
    text_ += text;
    text_ += '"';
    return;
  }
  text_ += Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
}

void CheckpointWriter::AddPods(const PodDevices& pod_devices) {
  for (const auto& [uid, containers] : pod_devices.pods()) {
    for (const auto& [container, resources] : containers) {
      for (const auto& [resource, held] : resources) AddEntry(uid, container, resource, held);
    }
  }
}

void CheckpointWriter::AddEntry(const std::string& pod_uid, const std::string& container,
                                const std::string& resource, const HeldDevices& held) {
  checksum_.AddEntry(pod_uid, container, resource, held);
  text_ += std::exchange(any_entry_, true) ? R"(,{"PodUID":)" : R"([{"PodUID":)";
  AppendText(pod_uid);
  text_ += R"(,"ContainerName":)";
  AppendText(container);
  text_ += R"(,"ResourceName":)";
  AppendText(resource);
  text_ += R"(,"DeviceIDs":{)";
  std::string_view separator;
  for (const auto& [node, ids] : held.by_node) {
    text_ += separator;
    AppendIds(std::to_string(node), ids);
    separator = ",";
  }
  text_ += R"(},"AllocResp":)";
  if (held.response) {
    absl::StrAppend(&text_, "\"", absl::Base64Escape(*held.response), "\"}");
  } else {
    text_ += "null}";
  }
}

void CheckpointWriter::EndPods() {
  if (std::exchange(pods_ended_, true)) return;
  text_ += any_entry_ ? "]" : "null";  // null without entries, as the kubelet's nil slice
  text_ += R"(,"RegisteredDevices":{)";
}

void CheckpointWriter::BeginResource() {
  if (pods_ended_) {
    text_ += ',';
  } else {
    EndPods();
  }
}

std::string CheckpointWriter::Finish() && {
  EndPods();
  absl::StrAppend(&text_, R"(}},"Checksum":)", checksum_.Value(), "}");
  return std::move(text_);
}

std::string EncodeCheckpoint(const Checkpoint& checkpoint) {
  CheckpointWriter writer;
  writer.AddPods(checkpoint.pod_devices);
  for (const auto& [resource, ids] : checkpoint.registered) writer.AddResource(resource, ids);
  return std::move(writer).Finish();
}

absl::StatusOr<Checkpoint> DecodeCheckpoint(std::string_view text) {
  const Json document = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (document.is_discarded()) return absl::DataLossError("not JSON");
  if (!document.is_object()) return absl::DataLossError("not a JSON object");
  const Json& data = Member(document, "Data");
  if (!data.is_object()) return Bad("Data", "is not an object");

  std::vector<Entry> entries;
  SpewChecksum content;
  const Json& pods = Member(data, "PodDeviceEntries");
  if (!pods.is_null() && !pods.is_array()) return Bad("Data.PodDeviceEntries", "is not a list");
  for (std::size_t i = 0; i < pods.size(); ++i) {
    ASSIGN_OR_RETURN(Entry entry,
                     ReadEntry(pods[i], absl::StrCat("Data.PodDeviceEntries[", i, "]")));
    content.AddEntry(entry.pod_uid, entry.container, entry.resource, entry.held);
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
  for (const auto& [resource, ids] : checkpoint.registered) content.AddResource(resource, ids);
  const std::uint32_t expected = content.Value();
  if (checksum.get<std::uint64_t>() != expected) {
    return Bad("Checksum", absl::StrCat("the file says ", checksum.get<std::uint64_t>(),
                                        ", its content gives ", expected));
  }
  for (Entry& entry : entries) {
    checkpoint.pod_devices.Insert(entry.pod_uid, entry.container, entry.resource,
                                  std::move(entry.held));
  }
  return checkpoint;
}

}  // namespace nodedevice::devicemanager
