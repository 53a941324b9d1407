#include "devicemanager/merge.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace nodedevice::devicemanager {
namespace {

using OrderedJson = nlohmann::ordered_json;

std::string Shown(const std::string& value) { return absl::StrCat("'", value, "'"); }

std::string Shown(const ContainerSpec::Mount& mount) {
  return absl::StrCat("'", mount.host_path, "' (", mount.read_only ? "read-only" : "read-write",
                      ")");
}

std::string Shown(const ContainerSpec::DeviceNode& device) {
  return absl::StrCat("'", device.host_path, "' (", device.permissions, ")");
}

// Merges one kind of thing, such as the envs, of one resource after the other.
template <typename Value>
class FirstWins {
 public:
  FirstWins(const char* what, std::map<std::string, Value>& into,
            std::vector<std::string>& conflicts)
      : what_(what), into_(into), conflicts_(conflicts) {}

  // Puts `value` under `key` unless a value is there; a different one is a conflict.
  void Put(const std::string& key, const Value& value, const std::string& resource) {
    const auto [existing, inserted] = into_.try_emplace(key, value);
    if (inserted) {
      from_[key] = resource;
      return;
    }
    if (existing->second == value) return;
    const std::string& winner = from_[key];
    const std::string other =
        winner == resource
            ? absl::StrCat("and also ", Shown(value), "; the first is used, by a kubelet too")
            : absl::StrCat(resource, " says ", Shown(value), "; that of ", winner,
                           " is used here, a kubelet uses either at random");
    conflicts_.push_back(absl::StrCat(what_, " '", key, "': ", winner, " says ",
                                      Shown(existing->second), winner == resource ? " " : ", ",
                                      other));
  }

 private:
  const char* const what_;
  std::map<std::string, Value>& into_;
  std::vector<std::string>& conflicts_;
  std::map<std::string, std::string> from_;  // key -> the resource whose value is there
};

}  // namespace

ContainerSpec Merge(const std::map<std::string, v1beta1::ContainerAllocateResponse>& by_resource) {
  ContainerSpec spec;
  FirstWins all_envs("env", spec.envs, spec.conflicts);
  FirstWins all_mounts("mount", spec.mounts, spec.conflicts);
  FirstWins all_devices("device", spec.devices, spec.conflicts);
  FirstWins all_annotations("annotation", spec.annotations, spec.conflicts);
  for (const auto& [resource, response] : by_resource) {
    // A protobuf map has no order; the conflicts are to be listed in one.
    const std::map<std::string, std::string> envs(response.envs().begin(), response.envs().end());
    const std::map<std::string, std::string> annotations(response.annotations().begin(),
                                                         response.annotations().end());
    for (const auto& [name, value] : envs) all_envs.Put(name, value, resource);
    for (const v1beta1::Mount& mount : response.mounts()) {
      all_mounts.Put(mount.container_path(), {mount.host_path(), mount.read_only()}, resource);
    }
    for (const v1beta1::DeviceSpec& device : response.devices()) {
      all_devices.Put(device.container_path(), {device.host_path(), device.permissions()},
                      resource);
    }
    for (const auto& [key, value] : annotations) all_annotations.Put(key, value, resource);
    for (const v1beta1::CDIDevice& device : response.cdi_devices()) {
      auto& names = spec.cdi_devices;
      if (std::find(names.begin(), names.end(), device.name()) == names.end()) {
        names.push_back(device.name());
      }
    }
  }
  return spec;
}

nlohmann::ordered_json ToJson(const ContainerSpec& spec) {
  OrderedJson mounts = OrderedJson::array();
  for (const auto& [path, mount] : spec.mounts) {
    mounts.push_back(
        {{"containerPath", path}, {"hostPath", mount.host_path}, {"readOnly", mount.read_only}});
  }
  OrderedJson devices = OrderedJson::array();
  for (const auto& [path, device] : spec.devices) {
    devices.push_back({{"containerPath", path},
                       {"hostPath", device.host_path},
                       {"permissions", device.permissions}});
  }
  return {{"envs", spec.envs},
          {"mounts", std::move(mounts)},
          {"devices", std::move(devices)},
          {"annotations", spec.annotations},
          {"cdiDevices", spec.cdi_devices},
          {"conflicts", spec.conflicts}};
}

}  // namespace nodedevice::devicemanager
