#include "tests/support/mco/machine_configs.h"

#include <algorithm>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "lib/base/fnv1a.h"
#include "lib/kube/object_fields.h"
#include "tests/support/mco/cluster.h"
#include "tests/support/mco/kubelet_conf.h"

namespace nodedevice::testing::mco {
namespace {

using Json = nlohmann::json;

constexpr char kDataUrl[] = "data:text/plain;charset=utf-8;base64,";
constexpr char kKubeletConf[] = "/etc/kubernetes/kubelet.conf";

// The element of a list whose `key` is the same as that of `element`; a new one when there is none.
Json& SlotOf(Json& list, const char* key, const Json& element) {
  for (Json& known : list) {
    if (known.value(key, Json()) == element.value(key, Json())) return known;
  }
  list.push_back(nullptr);
  return list.back();
}

void MergeByKey(Json& into, const Json& given, const char* pointer, const char* key) {
  const Json& elements = ListAt(given, pointer);
  if (elements.empty()) return;
  Json& list = into[Json::json_pointer(pointer)];
  if (!list.is_array()) list = Json::array();
  for (const Json& element : elements) SlotOf(list, key, element) = element;
}

void Append(Json& into, const Json& given, const char* pointer) {
  Json& list = into[Json::json_pointer(pointer)];
  for (const Json& element : ListAt(given, pointer)) list.push_back(element);
}

std::string NodeSizing(const Json& config) {
  const auto reserved = [&config](const char* what, const char* otherwise) {
    const std::string given =
        TextAt(config, absl::StrCat("/spec/kubeletConfig/systemReserved/", what).c_str());
    return given.empty() ? std::string(otherwise) : given;
  };
  return absl::StrCat("NODE_SIZING_ENABLED=",
                      ValueAt(config, "/spec/autoSizingReserved") == true ? "true" : "false",
                      "\nSYSTEM_RESERVED_MEMORY=", reserved("memory", "1Gi"),
                      "\nSYSTEM_RESERVED_CPU=", reserved("cpu", "500m"),
                      "\nSYSTEM_RESERVED_ES=", reserved("ephemeral-storage", "1Gi"), "\n");
}

}  // namespace

Json IgnitionFile(const std::string& path, const std::string& text) {
  return {{"path", path},
          {"mode", 0644},
          {"overwrite", true},
          {"contents",
           {{"compression", ""}, {"source", absl::StrCat(kDataUrl, absl::Base64Escape(text))}}}};
}

std::string TextOfFile(const Json& machine_config, const std::string& path) {
  for (const Json& file : ListAt(machine_config, "/spec/config/storage/files")) {
    const std::string source = TextAt(file, "/contents/source");
    std::string text;
    if (TextAt(file, "/path") == path && absl::StartsWith(source, kDataUrl) &&
        absl::Base64Unescape(source.substr(sizeof(kDataUrl) - 1), &text)) {
      return text;
    }
  }
  return "";
}

Json MachineConfigOf(const std::string& name, const std::string& role, std::vector<Json> files) {
  return {{"apiVersion", kGroupVersion},
          {"kind", "MachineConfig"},
          {"metadata", {{"name", name}, {"labels", {{kRoleLabel, role}}}}},
          {"spec",
           {{"config",
             {{"ignition", {{"version", "3.5.0"}}}, {"storage", {{"files", std::move(files)}}}}}}}};
}

std::vector<Json> BuiltInMachineConfigs(const std::string& role) {
  const Json kubelet_conf = IgnitionFile(kKubeletConf, KubeletConf(nullptr));
  return {
      MachineConfigOf("00-" + role, role, {IgnitionFile("/etc/mco/role", role + "\n")}),
      MachineConfigOf(absl::StrCat("01-", role, "-kubelet"), role, {kubelet_conf}),
      MachineConfigOf(absl::StrCat("98-", role, "-generated-kubelet"), role, {kubelet_conf}),
  };
}

Json GeneratedMachineConfig(const std::string& name, const std::string& pool, const Json& config) {
  Json kubelet = ValueAt(config, "/spec/kubeletConfig");
  const bool reserves = !ValueAt(kubelet, "/systemReserved").empty();
  // What the system is to keep for itself goes into the sizing alone.
  if (reserves) {
    for (const char* key : {"memory", "cpu", "ephemeral-storage"}) {
      kubelet["systemReserved"].erase(key);
    }
  }
  std::vector<Json> files = {IgnitionFile(kKubeletConf, KubeletConf(kubelet))};
  if (const Json& level = ValueAt(config, "/spec/logLevel"); level.is_number_integer()) {
    files.push_back(IgnitionFile(
        "/etc/systemd/system/kubelet.service.d/20-logging.conf",
        absl::StrCat("[Service]\nEnvironment=\"KUBELET_LOG_LEVEL=", level.dump(), "\"\n")));
  }
  if (reserves || ValueAt(config, "/spec/autoSizingReserved").is_boolean()) {
    files.push_back(IgnitionFile("/etc/node-sizing-enabled.env", NodeSizing(config)));
  }
  Json generated = MachineConfigOf(name, pool, std::move(files));
  generated["metadata"]["ownerReferences"] = {{{"apiVersion", kGroupVersion},
                                               {"kind", "KubeletConfig"},
                                               {"name", NameOf(config)},
                                               {"uid", TextAt(config, "/metadata/uid")},
                                               {"controller", true},
                                               {"blockOwnerDeletion", true}}};
  return generated;
}

Json MergedSpec(std::vector<Json> machine_configs) {
  std::ranges::sort(machine_configs, {}, [](const Json& config) { return NameOf(config); });
  Json merged = {
      {"config", {{"ignition", {{"version", "3.5.0"}}}, {"storage", {{"files", Json::array()}}}}},
      {"kernelArguments", Json::array()},
      {"extensions", Json::array()},
      {"fips", false},
      {"kernelType", "default"},
      {"osImageURL", ""}};
  for (const Json& config : machine_configs) {
    const Json& spec = ValueAt(config, "/spec");
    MergeByKey(merged, spec, "/config/storage/files", "path");
    MergeByKey(merged, spec, "/config/systemd/units", "name");
    Append(merged, spec, "/kernelArguments");
    Append(merged, spec, "/extensions");
    if (ValueAt(spec, "/fips") == true) merged["fips"] = true;
    for (const char* field : {"kernelType", "osImageURL"}) {
      const std::string word = TextAt(spec, absl::StrCat("/", field).c_str());
      if (!word.empty()) merged[field] = word;
    }
  }
  return merged;
}

std::string RenderedName(const std::string& pool, const Json& merged_spec) {
  const std::string text = merged_spec.dump();
  return absl::StrFormat("rendered-%s-%016x%016x", pool, Fnv1a(text), Fnv1a("second half " + text));
}

}  // namespace nodedevice::testing::mco
