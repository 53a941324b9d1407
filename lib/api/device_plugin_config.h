#pragma once

// DevicePluginConfig (nodedevices.io/v1alpha1) as a value: what an administrator wants on the nodes
// of a pool. One parser reads it from the API, from a file and from the plugin's own argument, so
// all three obey the same rules.

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "lib/api/adjunct_processor.h"
#include "lib/api/mdev.h"
#include "lib/api/mount_edit.h"
#include "lib/api/nvidia.h"
#include "lib/api/onload.h"
#include "lib/api/pci.h"
#include "lib/api/static_devices.h"
#include "lib/api/usb.h"
#include "nlohmann/json.hpp"

namespace nodedevice {

// ---- families: how one plugin entry finds devices -------------------------------------------

// One path of a group. `pattern` is absolute and may hold *, ? and [...] in any part.
struct PathRule {
  enum class Type { kDevice, kMount };
  std::string pattern;
  std::string container_path;      // empty: the host path; ending in '/': a directory for it
  std::string permissions = "rw";  // of the device cgroup; kDevice only
  Type type = Type::kDevice;
  bool read_only = false;  // kMount only
  bool optional = false;   // given when it is there; its absence harms nobody
  int limit = 1;  // how many devices of the group may share this path when others match more
  bool operator==(const PathRule&) const = default;
};

// Things that go together into one device: either paths or USB selectors.
struct PathGroup {
  std::vector<PathRule> paths;
  std::vector<UsbSelector> usb;
  bool operator==(const PathGroup&) const = default;
};

struct Paths {
  std::vector<PathGroup> groups;
  bool operator==(const Paths&) const = default;
};

// Anyone's plugin binary, started and supervised by the agent as it is.
struct Exec {
  std::vector<std::string> command;
  bool operator==(const Exec&) const = default;
};

using Discovery =
    std::variant<Paths, Pci, Mdev, Usb, Nvidia, Onload, AdjunctProcessor, Static, Exec>;

// ---- what every family takes ------------------------------------------------------------------

// Given to every container that gets a device of this entry, on top of the device itself.
struct ContainerEdits {
  std::map<std::string, std::string> envs;
  std::vector<MountEdit> mounts;
  std::map<std::string, std::string> annotations;
  std::vector<std::string> cdi;  // fully qualified CDI device names
  bool operator==(const ContainerEdits&) const = default;
};

struct Sharing {
  int replicas = 1;  // each device is announced this many times
  bool fail_requests_greater_than_one = false;
  bool operator==(const Sharing&) const = default;
};

struct HealthPolicy {
  // Of the rescan behind the hints.
  std::chrono::milliseconds interval{60'000};
  // How long a device must be well before it counts as healthy again.
  std::chrono::milliseconds recover{0};
  bool operator==(const HealthPolicy&) const = default;
};

enum class Preference { kPacked, kSpread };

struct PluginSpec {
  std::string name;  // unique in the CR; a DNS label
  std::string resource_name;
  Discovery discovery;
  ContainerEdits container;
  Sharing sharing;
  HealthPolicy health;
  Preference preference = Preference::kPacked;
  bool topology = true;  // announce NUMA nodes
  // The entry as it was written, with sorted keys: the argument that starts a plugin, and what is
  // compared to decide whether a running one must be replaced.
  std::string text;
  bool operator==(const PluginSpec&) const = default;
};

// A foreign program, of which nothing is ours but the command.
inline bool IsExec(const PluginSpec& spec) { return std::holds_alternative<Exec>(spec.discovery); }

// ---- the resource -------------------------------------------------------------------------------

struct DeviceManagerSpec {
  enum class Mode { kObserve, kManage };
  Mode mode = Mode::kObserve;
  bool allow_reboot = false;
  std::string topology_manager_policy;  // empty: leave it alone
  bool operator==(const DeviceManagerSpec&) const = default;
};

struct NodePreparation {
  std::vector<std::string> kernel_arguments;
  std::vector<std::string> kernel_modules;
  std::vector<std::string> vfio_devices;  // "8086:1572"
  bool operator==(const NodePreparation&) const = default;
};

// Of every custom resource of ours.
inline constexpr char kApiVersion[] = "nodedevices.io/v1alpha1";

struct DevicePluginConfig {
  std::string name;
  std::int64_t generation = 0;                  // metadata.generation; 0 in a file
  nlohmann::json machine_config_pool_selector;  // a LabelSelector, checked for its shape
  std::map<std::string, std::string> node_selector;
  DeviceManagerSpec device_manager;
  NodePreparation node_preparation;
  bool startup_taint = false;
  nlohmann::json tolerations = nlohmann::json::array();
  std::vector<PluginSpec> plugins;
  bool operator==(const DevicePluginConfig&) const = default;
};

// ---- parsing ------------------------------------------------------------------------------------

// What is wrong with one field: "spec.plugins[1].resourceName" and a sentence for people.
struct FieldError {
  std::string path;
  std::string message;
  bool operator==(const FieldError&) const = default;
};

// "path: message", one a line.
std::string ToString(const std::vector<FieldError>& errors);

// The value, usable only when there are no errors. Every error is listed, not only the first.
template <typename T>
struct Parsed {
  T value;
  std::vector<FieldError> errors;
  bool ok() const { return errors.empty(); }
};

Parsed<DevicePluginConfig> ParseDevicePluginConfig(const nlohmann::json& object);
// The same from YAML text; a syntax error is one error with an empty path.
Parsed<DevicePluginConfig> ParseDevicePluginConfigYaml(std::string_view text);

// Which host paths an entry may name.
enum class HostPathPolicy {
  kAllowList,  // /dev /sys /var /opt /run /usr /etc: whoever writes a CR need not own the nodes
  kAny,        // any absolute path without "..": whoever starts a plugin by hand owns the host
};

// One entry of spec.plugins, as node-device-plugin takes it with --plugin.
Parsed<PluginSpec> ParsePluginSpec(const nlohmann::json& entry, HostPathPolicy policy);

}  // namespace nodedevice
