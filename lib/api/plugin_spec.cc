#include "lib/api/plugin_spec.h"

#include <array>

#include "absl/strings/str_join.h"
#include "lib/api/dns_label.h"
#include "lib/kubelet/resource_name.h"

namespace nodedevice {
namespace {

constexpr std::array<std::string_view, 9> kFamilies = {
    "paths", "pci", "mdev", "usb", "nvidia", "onload", "adjunctProcessor", "static", "exec"};

Discovery ReadDiscovery(ObjectReader& reader, HostPathPolicy policy, FieldErrors& errors) {
  std::vector<std::string> given;
  for (const std::string_view family : kFamilies) {
    if (reader.Has(family)) given.emplace_back(family);
  }
  if (given.size() != 1) {
    if (reader.readable()) {
      reader.FailHere(
          absl::StrCat("needs exactly one family of ",
                       absl::StrJoin(kFamilies, ", ",
                                     [](std::string* out, std::string_view f) { out->append(f); }),
                       ", has ", given.empty() ? "none" : absl::StrJoin(given, ", ")));
    }
    return {};
  }
  if (const auto paths = reader.Any("paths")) return ReadPaths(*paths, policy, errors);
  if (const auto pci = reader.Any("pci")) return ReadPci(*pci, errors);
  if (const auto mdev = reader.Any("mdev")) return ReadMdev(*mdev, errors);
  if (const auto usb = reader.Any("usb")) return ReadUsb(*usb, errors);
  if (const auto nvidia = reader.Any("nvidia")) return ReadNvidia(*nvidia, policy, errors);
  if (const auto onload = reader.Any("onload")) return ReadOnload(*onload, policy, errors);
  if (const auto queues = reader.Any("adjunctProcessor")) {
    return ReadAdjunctProcessor(*queues, policy, errors);
  }
  if (const auto devices = reader.Any("static")) return ReadStatic(*devices, policy, errors);
  return ReadExec(*reader.Any("exec"), errors);
}

// Has GPUs shared as NVIDIA's own plugin shares them.
void CheckGpuSharing(const Nvidia& nvidia, ObjectReader& reader, PluginSpec& spec) {
  const std::optional<Element> sharing = reader.Any("sharing");
  if (!nvidia.config_file.empty()) {
    if (sharing) reader.Fail("sharing", "does not apply with nvidia.configFile, which says it");
    if (!spec.resource_name.empty() && spec.resource_name != kNvidiaGpuResource) {
      reader.Fail("resourceName", absl::StrCat("must be ", kNvidiaGpuResource,
                                               " with nvidia.configFile, which names resources "
                                               "itself, is ",
                                               Quoted(spec.resource_name)));
    }
  } else if (UsesMps(nvidia)) {
    if (spec.sharing.replicas < 2 || spec.sharing.replicas > kMaxMpsClients) {
      reader.Fail("sharing",
                  absl::StrCat("needs replicas from 2 to ", kMaxMpsClients,
                               " with nvidia.sharingStrategy mps, has ", spec.sharing.replicas));
    }
    // Two shares may be of one GPU, and a client of MPS gets no more of it for the second.
    const auto said = sharing && sharing->value->is_object()
                          ? sharing->value->value("failRequestsGreaterThanOne", nlohmann::json())
                          : nlohmann::json();
    if (said.is_null()) spec.sharing.fail_requests_greater_than_one = true;
  }
}

}  // namespace

PluginSpec ReadPluginSpec(const Element& entry, HostPathPolicy policy, FieldErrors& errors) {
  PluginSpec spec;
  const std::size_t before = errors.count();
  ObjectReader reader(entry, errors);
  reader.Require("name");
  if (auto name = reader.Text("name"); name && reader.Check("name", CheckDnsLabel(*name))) {
    spec.name = *std::move(name);
  }
  reader.Require("resourceName");
  if (auto name = reader.Text("resourceName");
      name && reader.Check("resourceName", ValidateExtendedResourceName(*name))) {
    spec.resource_name = *std::move(name);
  }
  spec.discovery = ReadDiscovery(reader, policy, errors);
  if (const auto field = reader.Any("container")) {
    spec.container = ReadContainerEdits(*field, policy, errors);
  }
  if (const auto field = reader.Any("sharing")) spec.sharing = ReadSharing(*field, errors);
  if (const auto field = reader.Any("health")) spec.health = ReadHealthPolicy(*field, errors);
  spec.preference =
      reader
          .Choice<Preference>("preferredAllocation",
                              {{"packed", Preference::kPacked}, {"spread", Preference::kSpread}})
          .value_or(spec.preference);
  spec.topology = reader.Bool("topology").value_or(spec.topology);
  if (IsExec(spec)) {
    for (const std::string_view key :
         {"container", "sharing", "health", "preferredAllocation", "topology"}) {
      if (reader.Has(key)) reader.Fail(key, "does not apply to exec");
    }
  }
  if (const auto* nvidia = std::get_if<Nvidia>(&spec.discovery)) {
    CheckGpuSharing(*nvidia, reader, spec);
  }
  reader.RejectUnknown();
  // Only now is its depth known to be bounded; dump() recurses.
  if (errors.count() == before) spec.text = entry.value->dump();
  return spec;
}

Parsed<PluginSpec> ParsePluginSpec(const nlohmann::json& entry, HostPathPolicy policy) {
  FieldErrors errors;
  PluginSpec spec = ReadPluginSpec({&entry, ""}, policy, errors);
  return {std::move(spec), errors.Take()};
}

}  // namespace nodedevice
