#include "plugin/cdi_spec.h"

#include <algorithm>
#include <system_error>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "lib/base/file.h"
#include "lib/base/log.h"
#include "nlohmann/json.hpp"

namespace nodedevice {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr char kFolder[] = "/var/run/cdi";
constexpr std::size_t kMaxSpec = 64u << 20;

Json EditsJson(const CdiEdits& edits) {
  Json json = Json::object();
  for (const auto& [name, value] : edits.envs) {
    json["env"].push_back(absl::StrCat(name, "=", value));
  }
  for (const DeviceNode& node : edits.nodes) {
    Json entry = {{"path", node.ContainerPath()}};
    if (node.ContainerPath() != node.host_path) entry["hostPath"] = node.host_path;
    // In the order that the format gives; the runtime itself finds out what node it is.
    std::string permissions;
    for (const char c : {'r', 'w', 'm'}) {
      if (node.permissions.find(c) != std::string::npos) permissions.push_back(c);
    }
    entry["permissions"] = permissions;
    json["deviceNodes"].push_back(std::move(entry));
  }
  for (const CdiHook& hook : edits.hooks) {
    json["hooks"].push_back({{"hookName", hook.name}, {"path", hook.path}, {"args", hook.args}});
  }
  for (const DeviceMount& mount : edits.mounts) {
    // As the runtimes mount what a device plugin answers.
    Json options = Json::array({"rbind", "rprivate"});
    options.push_back(mount.read_only ? "ro" : "rw");
    json["mounts"].push_back({{"hostPath", mount.host_path},
                              {"containerPath", mount.ContainerPath()},
                              {"options", std::move(options)}});
  }
  return json;
}

bool HasMovedNode(const CdiEdits& edits) {
  return std::ranges::any_of(
      edits.nodes, [](const DeviceNode& node) { return node.ContainerPath() != node.host_path; });
}

// 0.3.0 is the first that runtimes of today know; 0.5.0 brought hostPath and names that begin with
// a digit, 0.6.0 dots in the class.
const char* VersionFor(const CdiSpec& spec) {
  if (spec.kind.find('.', spec.kind.find('/')) != std::string::npos) return "0.6.0";
  if (HasMovedNode(spec.common)) return "0.5.0";
  for (const auto& [name, edits] : spec.devices) {
    const bool letter = !name.empty() && absl::ascii_isalpha(static_cast<unsigned char>(name[0]));
    if (!letter || HasMovedNode(edits)) return "0.5.0";
  }
  return "0.3.0";
}

// What WriteFileAtomically was killed over.
bool IsUnfinished(const std::string& name, const fs::path& of) {
  const std::string prefix = of.filename().native() + ".";
  return name.starts_with(prefix) && name.size() == prefix.size() + 6;
}

void Remove(const fs::path& file) {
  std::error_code error;
  fs::remove(file, error);
  if (error) spdlog::warn("{}: cannot be removed: {}", file.string(), error.message());
}

}  // namespace

std::string CdiName(std::string_view kind, std::string_view device) {
  return absl::StrCat(std::string(kind), "=", std::string(device));
}

std::string ToJson(const CdiSpec& spec) {
  Json json = {{"cdiVersion", VersionFor(spec)}, {"kind", spec.kind}};
  json["devices"] = Json::array();
  for (const auto& [name, edits] : spec.devices) {
    json["devices"].push_back({{"name", name}, {"containerEdits", EditsJson(edits)}});
  }
  if (spec.common != CdiEdits()) json["containerEdits"] = EditsJson(spec.common);
  // Text of others may be in it, which is not always UTF-8.
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

CdiSpecFile::CdiSpecFile(const HostRoot& host, std::string_view owner) {
  std::string name = absl::StrCat("nodedevices.io_", std::string(owner), ".json");
  std::ranges::replace(name, '/', '_');
  path_ = host.Resolve(host.Canonical(kFolder)) / name;
  Remove(path_);
  for (const std::string& beside : NamesIn(path_.parent_path())) {
    if (IsUnfinished(beside, path_)) Remove(path_.parent_path() / beside);
  }
}

CdiSpecFile::~CdiSpecFile() { Remove(path_); }

absl::Status CdiSpecFile::Write(const CdiSpec& spec) {
  std::error_code error;
  if (spec.devices.empty()) {
    fs::remove(path_, error);
    if (!error) return absl::OkStatus();
    return ErrnoStatus(error.value(), path_.string());
  }
  const std::string text = ToJson(spec);
  if (const auto there = ReadFile(path_, kMaxSpec); there.ok() && *there == text) {
    return absl::OkStatus();
  }
  fs::create_directories(path_.parent_path(), error);
  if (error) return ErrnoStatus(error.value(), path_.parent_path().string());
  return WriteFileAtomically(path_, text);
}

}  // namespace nodedevice
