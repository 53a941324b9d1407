#include "lib/api/static_devices.h"

#include <algorithm>
#include <map>

#include "absl/strings/ascii.h"
#include "lib/api/host_path.h"
#include "lib/api/plugin_spec.h"

namespace nodedevice {
namespace {

constexpr std::size_t kMaxDevices = 10'000;
constexpr std::size_t kMaxNumaNodes = 64;
constexpr std::size_t kMaxParts = 16;  // nodes of a device, and mounts
constexpr std::int64_t kMaxNumaNode = 1023;
constexpr std::size_t kMaxDeviceId = 63;  // the device plugin API's own bound

absl::Status CheckDeviceId(std::string_view id) {
  const bool printable = std::all_of(id.begin(), id.end(), [](char c) {
    return absl::ascii_isgraph(static_cast<unsigned char>(c));
  });
  if (!id.empty() && id.size() <= kMaxDeviceId && printable) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "must be 1 to ", kMaxDeviceId, " ASCII characters without spaces, is ", Quoted(id)));
}

StaticNode ReadNode(const Element& element, HostPathPolicy policy, FieldErrors& errors) {
  StaticNode node;
  ObjectReader reader(element, errors);
  reader.Require("path");
  if (auto path = reader.Text("path"); path && reader.Check("path", CheckHostPath(*path, policy))) {
    node.path = *std::move(path);
  }
  if (auto path = reader.Text("containerPath");
      path && reader.Check("containerPath", CheckContainerPath(*path, /*may_be_folder=*/false))) {
    node.container_path = *std::move(path);
  }
  if (auto permissions = reader.Text("permissions");
      permissions && reader.Check("permissions", CheckPermissions(*permissions))) {
    node.permissions = *std::move(permissions);
  }
  reader.RejectUnknown();
  return node;
}

StaticDevice ReadStaticDevice(const Element& element, HostPathPolicy policy, FieldErrors& errors) {
  StaticDevice device;
  ObjectReader reader(element, errors);
  reader.Require("id");
  if (auto id = reader.Text("id"); id && reader.Check("id", CheckDeviceId(*id))) {
    device.id = *std::move(id);
  }
  device.healthy = reader.Bool("healthy").value_or(device.healthy);
  device.reason = reader.Text("reason").value_or("");
  for (const std::int64_t node : reader.IntegerList("numaNodes", kMaxNumaNodes, 0, kMaxNumaNode)) {
    device.numa_nodes.push_back(static_cast<int>(node));
  }
  for (const Element& node : reader.List("nodes", kMaxParts)) {
    device.nodes.push_back(ReadNode(node, policy, errors));
  }
  device.mounts = ReadMounts(reader, kMaxParts, policy, errors);
  reader.RejectUnknown();
  return device;
}

}  // namespace

Static ReadStatic(const Element& element, HostPathPolicy policy, FieldErrors& errors) {
  Static result;
  ObjectReader reader(element, errors);
  if (auto kind = reader.Text("cdiKind")) {
    if (!IsCdiKind(*kind)) {
      reader.Fail("cdiKind", absl::StrCat("must be a vendor and a class such as "
                                          "vendor.example/class, is ",
                                          Quoted(*kind)));
    }
    result.cdi_kind = *std::move(kind);
  }
  std::map<std::string, std::string> seen;  // id -> where
  for (const Element& entry : reader.NonEmptyList("devices", kMaxDevices)) {
    StaticDevice device = ReadStaticDevice(entry, policy, errors);
    const auto [first, fresh] = seen.emplace(device.id, entry.path);
    if (!fresh && !device.id.empty()) {
      errors.Add(Child(entry.path, "id"),
                 absl::StrCat(Quoted(device.id), " is already the id of ", first->second));
    }
    if (!result.cdi_kind.empty() && !device.id.empty() && !IsCdiDevice(device.id)) {
      errors.Add(Child(entry.path, "id"),
                 absl::StrCat("must be made of letters, digits, '_', '-', '.' and ':', with a "
                              "letter or digit at both ends, for it is a CDI name, is ",
                              Quoted(device.id)));
    }
    result.devices.push_back(std::move(device));
  }
  if (auto name = reader.Text("idsEnv")) {
    if (!IsVariableName(*name)) {
      reader.Fail("idsEnv", "the name of a variable must not be empty or hold '='");
    }
    result.ids_env = *std::move(name);
  }
  if (auto path = reader.Text("holdFile");
      path && reader.Check("holdFile", CheckHostPath(*path, policy))) {
    result.hold_file = *std::move(path);
  }
  reader.RejectUnknown();
  return result;
}

}  // namespace nodedevice
