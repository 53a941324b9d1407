#include "lib/api/nvidia_config.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "lib/api/plugin_spec.h"
#include "lib/base/yaml.h"
#include "lib/kubelet/resource_name.h"

namespace nodedevice {
namespace {

constexpr std::size_t kMaxResources = 256;
constexpr std::size_t kMaxImexChannels = 2048;
constexpr std::int64_t kMaxImexChannel = 2047;
// Of a resource with its domain.
constexpr std::size_t kMaxResourceName = 63;
constexpr std::string_view kDomain = "nvidia.com/";
constexpr char kShared[] = ".shared";

void ReadPluginFlags(const Element& element, NvidiaConfig& config, FieldErrors& errors) {
  ObjectReader reader(element, errors);
  // One word may stand where a list does.
  if (const auto strategy = reader.Any("deviceListStrategy")) {
    config.family.device_list_strategy =
        ReadListStrategies(strategy->value->is_string()
                               ? std::vector<Element>{*strategy}
                               : reader.NonEmptyList("deviceListStrategy", kMaxListStrategies),
                           errors);
  }
  ReadGpuNaming(reader, config.family);
  config.preference = reader.Choice<Preference>(
      "sharedDevicesAllocationPolicy",
      {{"distributed", Preference::kSpread}, {"packed", Preference::kPacked}});
}

void ReadFlags(const Element& element, NvidiaConfig& config, FieldErrors& errors) {
  ObjectReader reader(element, errors);
  config.family.mig_strategy = ReadMigStrategy(reader).value_or(config.family.mig_strategy);
  for (const auto& [key, of_entry, in_entry] :
       {std::tuple("nvidiaDriverRoot", "driverRoot", DriverRootOf(config.family)),
        std::tuple("mpsRoot", "mpsRoot", config.family.mps_root)}) {
    const auto root = reader.Text(key);
    if (!root || root->empty() || *root == in_entry) continue;
    reader.Fail(key, absl::StrCat("is ", Quoted(*root), ", but ", of_entry, " of the entry is ",
                                  Quoted(in_entry),
                                  "; say it there, which also shows the folder to the plugin"));
  }
  for (const auto& [key, variable] :
       {std::pair("gdrcopyEnabled", "NVIDIA_GDRCOPY"), std::pair("gdsEnabled", "NVIDIA_GDS"),
        std::pair("mofedEnabled", "NVIDIA_MOFED")}) {
    if (!reader.Bool(key).value_or(false)) continue;
    reader.Fail(key, absl::StrCat("is not done here; leave it out, and have the entry set the "
                                  "variable that asks for it: container: {envs: {",
                                  variable, ": enabled}}"));
  }
  if (!reader
           .Choice<bool>("deviceDiscoveryStrategy",
                         {{"auto", true}, {"nvml", true}, {"tegra", false}})
           .value_or(true)) {
    reader.Fail("deviceDiscoveryStrategy", "is tegra, whose GPUs are not found here");
  }
  if (const auto plugin = reader.Any("plugin")) ReadPluginFlags(*plugin, config, errors);
}

// A resource without a domain is one of NVIDIA's.
std::string WithDomain(const std::string& name) {
  return name.starts_with(kDomain) ? name : absl::StrCat(std::string(kDomain), name);
}

// The name with its domain; empty with an error.
std::string ReadResourceName(ObjectReader& reader) {
  const std::optional<std::string> text = reader.Text("name");
  if (!text) return "";
  std::string name = WithDomain(*text);
  if (name.find('/', kDomain.size()) != std::string::npos) {
    reader.Fail("name", absl::StrCat("must be a resource of nvidia.com, is ", Quoted(*text)));
    return "";
  }
  if (name.size() > kMaxResourceName) {
    reader.Fail("name", absl::StrCat("must have at most ", kMaxResourceName,
                                     " characters with its domain, is ", Quoted(name)));
    return "";
  }
  return reader.Check("name", ValidateExtendedResourceName(name)) ? name : "";
}

// All devices are shared, whatever is said; what is said must make sense all the same.
void CheckDevices(ObjectReader& reader, std::vector<std::string>& notes) {
  const std::optional<Element> devices = reader.Any("devices");
  if (!devices) return;
  const nlohmann::json& value = *devices->value;
  if (value == "all") return;
  const bool some = value.is_array() || (value.is_number_integer() && value > 0);
  if (!some) {
    reader.Fail("devices", "must be all, a number of devices or a list of them");
    return;
  }
  notes.push_back(absl::StrCat(devices->path,
                               ": is not followed, all devices are shared, as NVIDIA's own plugin "
                               "does"));
}

// What of a section holds for each of its resources.
struct ForAll {
  bool rename_by_default = false;
  Sharing limits;  // replicas: how many at most
};

GpuSharing ReadResource(const Element& element, const ForAll& all, std::vector<std::string>& notes,
                        FieldErrors& errors) {
  GpuSharing shared;
  ObjectReader reader(element, errors);
  reader.Require("name");
  shared.name = ReadResourceName(reader);
  const std::string renamed = shared.name + kShared;
  shared.announced_as = all.rename_by_default ? renamed : shared.name;
  if (const auto rename = reader.Text("rename"); rename && !rename->empty()) {
    if (WithDomain(*rename) != shared.announced_as) {
      notes.push_back(absl::StrCat(Child(reader.path(), "rename"),
                                   ": is not followed, as with NVIDIA's own plugin; only "
                                   "renameByDefault changes a name"));
    }
  }
  CheckDevices(reader, notes);
  reader.Require("replicas");
  shared.sharing.replicas =
      static_cast<int>(reader.Integer("replicas", 2, all.limits.replicas).value_or(2));
  shared.sharing.fail_requests_greater_than_one = all.limits.fail_requests_greater_than_one;
  return shared;
}

// `limits`: how many replicas at most, and whether one request per container is the default.
void ReadShared(const Element& element, const Sharing& limits, NvidiaConfig& config,
                FieldErrors& errors) {
  ObjectReader reader(element, errors);
  ForAll all = {reader.Bool("renameByDefault").value_or(false), limits};
  all.limits.fail_requests_greater_than_one =
      reader.Bool("failRequestsGreaterThanOne").value_or(limits.fail_requests_greater_than_one);
  for (const Element& entry : reader.NonEmptyList("resources", kMaxResources)) {
    GpuSharing shared = ReadResource(entry, all, config.notes, errors);
    const auto same = std::ranges::find(config.sharing, shared.name, &GpuSharing::name);
    if (same == config.sharing.end()) {
      config.sharing.push_back(std::move(shared));
      continue;
    }
    if (!shared.name.empty()) {
      config.notes.push_back(absl::StrCat(entry.path, ": ", Quoted(shared.name),
                                          " stands here twice; this one counts"));
    }
    *same = std::move(shared);
  }
}

void ReadSharingSection(const Element& element, NvidiaConfig& config, FieldErrors& errors) {
  ObjectReader reader(element, errors);
  const auto slices = reader.Any("timeSlicing");
  const auto mps = reader.Any("mps");
  if (!mps) {
    if (slices) ReadShared(*slices, {static_cast<int>(kMaxReplicas), false}, config, errors);
    return;
  }
  if (config.family.mig_strategy == Nvidia::MigStrategy::kMixed) {
    reader.Fail("mps", "must not stand with flags.migStrategy mixed: MPS shares whole GPUs");
  }
  if (slices) {
    config.notes.push_back(
        absl::StrCat(slices->path, ": is not followed beside mps, as with NVIDIA's own plugin"));
  }
  config.family.sharing_strategy = Nvidia::SharingStrategy::kMps;
  ReadShared(*mps, {kMaxMpsClients, true}, config, errors);
}

void ReadImex(const Element& element, FieldErrors& errors) {
  ObjectReader reader(element, errors);
  if (!reader.IntegerList("channelIDs", kMaxImexChannels, 0, kMaxImexChannel).empty()) {
    reader.Fail("channelIDs", "IMEX channels are not given here; leave it out");
  }
  if (reader.Bool("required").value_or(false)) {
    reader.Fail("required", "IMEX channels are not given here; leave it out");
  }
}

void NoteResources(const Element& element, NvidiaConfig& config, FieldErrors& errors) {
  ObjectReader reader(element, errors);
  const bool any =
      !reader.List("gpus", kMaxResources).empty() || !reader.List("mig", kMaxResources).empty();
  if (any) {
    config.notes.emplace_back("resources: is not followed, as with NVIDIA's own plugin");
  }
}

}  // namespace

Parsed<NvidiaConfig> ParseNvidiaConfig(std::string_view text, const Nvidia& entry) {
  Parsed<NvidiaConfig> parsed;
  parsed.value.family = entry;
  const absl::StatusOr<nlohmann::json> document = ParseYaml(text);
  if (!document.ok()) {
    parsed.errors.push_back({"", std::string(document.status().message())});
    return parsed;
  }
  if (document->is_null()) return parsed;
  FieldErrors errors;
  ObjectReader reader({&*document, ""}, errors);
  if (const auto version = reader.Text("version");
      version && !version->empty() && *version != "v1") {
    reader.Fail("version", absl::StrCat("must be v1, is ", Quoted(*version)));
  }
  if (const auto flags = reader.Any("flags")) ReadFlags(*flags, parsed.value, errors);
  if (const auto named = reader.Any("resources")) NoteResources(*named, parsed.value, errors);
  if (const auto sharing = reader.Any("sharing")) {
    ReadSharingSection(*sharing, parsed.value, errors);
  }
  if (const auto imex = reader.Any("imex")) ReadImex(*imex, errors);
  parsed.errors = errors.Take();
  return parsed;
}

const GpuSharing* SharingOf(const NvidiaConfig& config, std::string_view name) {
  const auto found = std::ranges::find(config.sharing, name, &GpuSharing::name);
  return found == config.sharing.end() ? nullptr : &*found;
}

}  // namespace nodedevice
