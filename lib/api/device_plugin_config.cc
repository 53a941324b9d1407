#include "lib/api/device_plugin_config.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "lib/api/dns_label.h"
#include "lib/api/field_reader.h"
#include "lib/api/plugin_spec.h"

namespace nodedevice {
namespace {

constexpr std::string_view kKind = "DevicePluginConfig";
constexpr std::size_t kMaxPlugins = 64;
constexpr std::size_t kMaxEntries = 256;  // of every other list and map

// A field that must hold one known text.
void Expect(ObjectReader& reader, std::string_view key, std::string_view wanted) {
  if (!reader.Require(key)) return;
  const std::optional<std::string> text = reader.Text(key);
  if (text && *text != wanted) {
    reader.Fail(key, absl::StrCat("must be ", std::string(wanted), ", is ", Quoted(*text)));
  }
}

void ReadMetadata(const Element& element, DevicePluginConfig& config, FieldErrors& errors) {
  ObjectReader reader(element, errors);
  reader.Require("name");
  // A label, not only a subdomain: NodeDeviceStates are called NODE.CONFIG.
  if (auto name = reader.Text("name"); name && reader.Check("name", CheckDnsLabel(*name))) {
    config.name = *std::move(name);
  }
  config.generation =
      reader.Integer("generation", 0, std::numeric_limits<std::int64_t>::max()).value_or(0);
  // The API server's own business.
  for (const std::string_view key :
       {"annotations", "creationTimestamp", "deletionGracePeriodSeconds", "deletionTimestamp",
        "finalizers", "generateName", "labels", "managedFields", "ownerReferences",
        "resourceVersion", "selfLink", "uid"}) {
    reader.Ignore(key);
  }
  reader.RejectUnknown();
}

// A LabelSelector as in KubeletConfig. Its own shape is the value that is kept.
void CheckLabelSelector(const Element& element, FieldErrors& errors) {
  ObjectReader reader(element, errors);
  reader.TextMap("matchLabels", kMaxEntries);
  for (const Element& entry : reader.List("matchExpressions", kMaxEntries)) {
    ObjectReader expression(entry, errors);
    expression.Require("key");
    expression.Text("key");
    expression.Require("operator");
    const std::optional<bool> takes_values = expression.Choice<bool>(
        "operator", {{"In", true}, {"NotIn", true}, {"Exists", false}, {"DoesNotExist", false}});
    const bool has_values = !expression.TextList("values", kMaxEntries).empty();
    if (takes_values && *takes_values != has_values) {
      expression.Fail("values", *takes_values ? "is required by the operators In and NotIn"
                                              : "must be empty with Exists and DoesNotExist");
    }
    expression.RejectUnknown();
  }
  reader.RejectUnknown();
}

DeviceManagerSpec ReadDeviceManager(const Element& element, FieldErrors& errors) {
  using Mode = DeviceManagerSpec::Mode;
  DeviceManagerSpec spec;
  ObjectReader reader(element, errors);
  spec.mode = reader.Choice<Mode>("mode", {{"Observe", Mode::kObserve}, {"Manage", Mode::kManage}})
                  .value_or(Mode::kObserve);
  spec.allow_reboot = reader.Bool("allowReboot").value_or(false);
  if (const std::optional<std::string> text = reader.Text("topologyManagerPolicy");
      text && !text->empty()) {
    const auto policy = reader.Choice<std::string_view>("topologyManagerPolicy",
                                                        {{"none", "none"},
                                                         {"best-effort", "best-effort"},
                                                         {"restricted", "restricted"},
                                                         {"single-numa-node", "single-numa-node"}});
    spec.topology_manager_policy = policy.value_or("");
    if (spec.mode != Mode::kManage) {
      reader.Fail("topologyManagerPolicy", "needs mode: Manage");
    }
  }
  reader.RejectUnknown();
  return spec;
}

bool IsKernelModule(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_';
  });
}

bool IsKernelArgument(std::string_view argument) {
  return !argument.empty() && argument.find(' ') == std::string_view::npos;
}

// "8086:1572"
bool IsPciId(std::string_view id) {
  return id.size() == 9 && id[4] == ':' &&
         std::count_if(id.begin(), id.end(), [](char c) {
           return absl::ascii_isxdigit(static_cast<unsigned char>(c));
         }) == 8;
}

std::vector<std::string> ReadWords(ObjectReader& reader, std::string_view key,
                                   bool (*is_good)(std::string_view), std::string_view wanted,
                                   FieldErrors& errors) {
  std::vector<std::string> words;
  for (const Element& entry : reader.List(key, kMaxEntries)) {
    std::optional<std::string> word = ReadText(entry, errors);
    if (!word) continue;
    if (!is_good(*word)) {
      errors.Add(entry.path, absl::StrCat("must be ", std::string(wanted), ", is ", Quoted(*word)));
    }
    words.push_back(*std::move(word));
  }
  return words;
}

NodePreparation ReadNodePreparation(const Element& element, FieldErrors& errors) {
  NodePreparation preparation;
  ObjectReader reader(element, errors);
  preparation.kernel_arguments =
      ReadWords(reader, "kernelArguments", IsKernelArgument, "one argument without spaces", errors);
  preparation.kernel_modules =
      ReadWords(reader, "kernelModules", IsKernelModule, "the name of a module", errors);
  preparation.vfio_devices =
      ReadWords(reader, "vfioDevices", IsPciId, "vendor:device such as \"8086:1572\"", errors);
  reader.RejectUnknown();
  return preparation;
}

// As the API server checks the tolerations of a pod.
void CheckToleration(const Element& element, FieldErrors& errors) {
  ObjectReader reader(element, errors);
  const std::string key = reader.Text("key").value_or("");
  const bool exists =
      reader.Choice<bool>("operator", {{"Exists", true}, {"Equal", false}}).value_or(false);
  const std::string value = reader.Text("value").value_or("");
  if (key.empty() && !exists) reader.Fail("operator", "must be Exists when there is no key");
  if (exists && !value.empty()) reader.Fail("value", "must be empty when operator is Exists");
  const auto evicts = reader.Choice<bool>(
      "effect", {{"NoSchedule", false}, {"PreferNoSchedule", false}, {"NoExecute", true}});
  if (reader.Integer("tolerationSeconds", std::numeric_limits<std::int64_t>::min(),
                     std::numeric_limits<std::int64_t>::max()) &&
      !evicts.value_or(false)) {
    reader.Fail("tolerationSeconds", "needs effect: NoExecute");
  }
  reader.RejectUnknown();
}

// What the entries before have of crypto cards.
struct QueuesSoFar {
  ApqnPlaces apqns;
  std::map<std::pair<std::string, std::string>, std::string> sets;  // file and set -> where
};

// A queue of a crypto card belongs to one entry: two would give it to two containers.
void CheckQueues(const Element& entry, const PluginSpec& spec, QueuesSoFar& before,
                 FieldErrors& errors) {
  const auto* family = std::get_if<AdjunctProcessor>(&spec.discovery);
  if (family == nullptr) return;
  const std::string path = Child(entry.path, "adjunctProcessor");
  if (!family->config_file.empty()) {
    const auto [first, fresh] =
        before.sets.emplace(std::pair(family->config_file, family->set), path);
    if (!fresh) {
      errors.Add(Child(path, "set"), absl::StrCat(Quoted(family->set),
                                                  " of this configFile is "
                                                  "already meant by ",
                                                  first->second));
    }
    return;
  }
  const std::string list = Child(path, "apqns");
  for (std::size_t i = 0; i < family->apqns.size(); ++i) {
    std::string clash = before.apqns.Clash(family->apqns[i]);
    if (!clash.empty()) errors.Add(Child(list, i), std::move(clash));
  }
  for (std::size_t i = 0; i < family->apqns.size(); ++i) {
    before.apqns.Add(family->apqns[i], Child(list, i));
  }
}

std::vector<PluginSpec> ReadPlugins(ObjectReader& reader, FieldErrors& errors) {
  std::vector<PluginSpec> plugins;
  std::map<std::string, std::string> names;      // name -> where
  std::map<std::string, std::string> resources;  // resource -> where
  QueuesSoFar queues;
  reader.Require("plugins");
  for (const Element& entry : reader.List("plugins", kMaxPlugins)) {
    const std::size_t before = errors.count();
    PluginSpec spec = ReadPluginSpec(entry, HostPathPolicy::kAllowList, errors);
    if (errors.count() == before) CheckQueues(entry, spec, queues, errors);
    if (const auto [first, fresh] = names.emplace(spec.name, entry.path);
        !fresh && !spec.name.empty()) {
      errors.Add(Child(entry.path, "name"),
                 absl::StrCat(Quoted(spec.name), " is already the name of ", first->second));
    }
    if (const auto [first, fresh] = resources.emplace(spec.resource_name, entry.path);
        !fresh && !spec.resource_name.empty()) {
      errors.Add(
          Child(entry.path, "resourceName"),
          absl::StrCat(Quoted(spec.resource_name), " is already announced by ", first->second));
    }
    plugins.push_back(std::move(spec));
  }
  return plugins;
}

void ReadSpec(const Element& element, DevicePluginConfig& config, FieldErrors& errors) {
  ObjectReader reader(element, errors);
  if (const auto field = reader.Any("machineConfigPoolSelector")) {
    const std::size_t before = errors.count();
    CheckLabelSelector(*field, errors);
    if (errors.count() == before) config.machine_config_pool_selector = *field->value;
  }
  config.node_selector = reader.TextMap("nodeSelector", kMaxEntries);
  // An empty nodeSelector selects by nothing, so it may stand beside the pools.
  if (!config.machine_config_pool_selector.empty() && !config.node_selector.empty()) {
    reader.Fail("nodeSelector", "must not be set together with machineConfigPoolSelector");
  }
  if (const auto field = reader.Any("deviceManager")) {
    config.device_manager = ReadDeviceManager(*field, errors);
  }
  if (const auto field = reader.Any("nodePreparation")) {
    config.node_preparation = ReadNodePreparation(*field, errors);
  }
  config.startup_taint = reader.Bool("startupTaint").value_or(false);
  for (const Element& entry : reader.List("tolerations", kMaxEntries)) {
    const std::size_t before = errors.count();
    CheckToleration(entry, errors);
    if (errors.count() == before) config.tolerations.push_back(*entry.value);
  }
  config.plugins = ReadPlugins(reader, errors);
  reader.RejectUnknown();
}

}  // namespace

Parsed<DevicePluginConfig> ParseDevicePluginConfig(const nlohmann::json& object) {
  DevicePluginConfig config;
  FieldErrors errors;
  ObjectReader reader({&object, ""}, errors);
  Expect(reader, "apiVersion", kApiVersion);
  Expect(reader, "kind", kKind);
  reader.Require("metadata");
  if (const auto field = reader.Any("metadata")) ReadMetadata(*field, config, errors);
  reader.Require("spec");
  if (const auto field = reader.Any("spec")) ReadSpec(*field, config, errors);
  reader.Ignore("status");  // what the controller wrote, not what anyone wants
  reader.RejectUnknown();
  return {std::move(config), errors.Take()};
}

}  // namespace nodedevice
