#include "controller/pools/machine_config.h"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "controller/drift.h"
#include "controller/ownership.h"
#include "controller/pools/pool_objects.h"
#include "lib/kube/bounded_name.h"

namespace nodedevice {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMaxName = 128;
// Of Ignition's format; every OpenShift from 4.7 on takes it.
constexpr char kIgnitionVersion[] = "3.2.0";
constexpr int kMode = 0644;
constexpr char kVfioModule[] = "vfio-pci";

// In their order, each once.
std::vector<std::string> WithoutRepeats(const std::vector<std::string>& words) {
  std::vector<std::string> once;
  for (const std::string& word : words) {
    if (std::ranges::find(once, word) == once.end()) once.push_back(word);
  }
  return once;
}

// A data URL that people can read: only what an URL cannot hold is escaped.
std::string DataUrl(std::string_view text) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string url = "data:,";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (absl::ascii_isalnum(byte) || std::string_view("-_.~:,/=").find(c) != std::string::npos) {
      url += c;
    } else {
      url += '%';
      url += kHex[byte >> 4];
      url += kHex[byte & 15];
    }
  }
  return url;
}

Json FileOf(const std::string& path, const std::string& text) {
  return {{"path", path},
          {"mode", kMode},
          {"overwrite", true},
          {"contents", {{"source", DataUrl(text)}}}};
}

// The drivers in the kernel that would take devices of a vendor, and must come after vfio-pci.
const std::vector<std::string>& RivalDrivers(const std::string& vendor) {
  static const std::map<std::string, std::vector<std::string>> rivals = {
      {"1002", {"amdgpu", "radeon", "snd_hda_intel"}},
      {"10de", {"nouveau", "nvidia", "snd_hda_intel"}},
      {"10df", {"lpfc"}},
      {"1077", {"qede", "qla2xxx"}},
      {"14e4", {"bnx2x", "bnxt_en", "tg3"}},
      {"15b3", {"mlx4_core", "mlx5_core"}},
      {"1924", {"sfc"}},
      {"8086", {"e1000e", "i40e", "i915", "iavf", "ice", "idpf", "igb", "igc", "ixgbe"}},
  };
  static const std::vector<std::string> none;
  const auto found = rivals.find(vendor);
  return found == rivals.end() ? none : found->second;
}

// vfio-pci takes these devices when it is loaded, and it is loaded before the drivers that would
// take them otherwise. To load it first harms no other device: it takes none but these.
std::string VfioOptions(const std::vector<std::string>& devices) {
  std::set<std::string> drivers = {"nvme", "xhci_pci"};  // of any vendor
  for (const std::string& device : devices) {
    const std::vector<std::string>& rivals = RivalDrivers(device.substr(0, device.find(':')));
    drivers.insert(rivals.begin(), rivals.end());
  }
  std::string text =
      absl::StrCat("options ", kVfioModule, " ids=", absl::StrJoin(devices, ","), "\n");
  for (const std::string& driver : drivers) {
    absl::StrAppend(&text, "softdep ", driver, " pre: ", kVfioModule, "\n");
  }
  return text;
}

Json SpecOf(const NodePreparation& preparation, const std::string& config) {
  std::vector<std::string> devices;
  for (const std::string& device : preparation.vfio_devices) {
    devices.push_back(absl::AsciiStrToLower(device));
  }
  devices = WithoutRepeats(devices);
  std::vector<std::string> modules = preparation.kernel_modules;
  if (!devices.empty()) modules.emplace_back(kVfioModule);
  modules = WithoutRepeats(modules);
  const std::string file = absl::StrCat("node-devices-", config, ".conf");
  Json files = Json::array();
  if (!modules.empty()) {
    files.push_back(FileOf("/etc/modules-load.d/" + file, absl::StrJoin(modules, "\n") + "\n"));
  }
  if (!devices.empty()) {
    files.push_back(FileOf("/etc/modprobe.d/" + file, VfioOptions(devices)));
  }
  Json spec = {{"config", {{"ignition", {{"version", kIgnitionVersion}}}}}};
  if (!files.empty()) spec["config"]["storage"]["files"] = std::move(files);
  const std::vector<std::string> arguments = WithoutRepeats(preparation.kernel_arguments);
  if (!arguments.empty()) spec["kernelArguments"] = arguments;
  return spec;
}

}  // namespace

bool IsEmpty(const NodePreparation& preparation) { return preparation == NodePreparation(); }

std::string MachineConfigName(const std::string& config, const std::string& pool) {
  return BoundedName(absl::StrCat("99-", pool, "-node-devices-", config), kMaxName);
}

Json MachineConfigToApply(const NodePreparation& preparation, const std::string& config,
                          const std::string& pool) {
  return {{"apiVersion", kMachineConfigApi},
          {"kind", "MachineConfig"},
          {"metadata",
           {{"name", MachineConfigName(config, pool)},
            {"labels", {{kRoleLabel, pool}, {kConfigLabel, config}}}}},
          {"spec", SpecOf(preparation, config)}};
}

Json RenderMachineConfig(const DevicePluginConfig& config, const std::string& config_uid,
                         const std::string& pool) {
  Json object = MachineConfigToApply(config.node_preparation, config.name, pool);
  object["metadata"].merge_patch(
      MetadataFor(MachineConfigName(config.name, pool), config, config_uid, pool));
  object["metadata"]["labels"][kRenderedKey] = Fingerprint(object);
  return object;
}

}  // namespace nodedevice
