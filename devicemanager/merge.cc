#include "devicemanager/merge.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace nodedevice::devicemanager {
namespace {

using OrderedJson = nlohmann::ordered_json;

// Puts `value` under `key` unless a value is there; a different one is a conflict.
template <typename Value>
void PutFirst(std::map<std::string, Value>& into, const std::string& key, const Value& value,
              const char* what, const std::string& resource, std::vector<std::string>& conflicts) {
  const auto [existing, inserted] = into.try_emplace(key, value);
  if (!inserted && existing->second != value) {
    conflicts.push_back(absl::StrCat(what, " '", key, "': the different value of ", resource,
                                     " was ignored, another resource came first"));
  }
}

}  // namespace

ContainerSpec Merge(const std::map<std::string, v1beta1::ContainerAllocateResponse>& by_resource) {
  ContainerSpec spec;
  for (const auto& [resource, response] : by_resource) {
    // A protobuf map has no order; the conflicts are to be listed in one.
    const std::map<std::string, std::string> envs(response.envs().begin(), response.envs().end());
    const std::map<std::string, std::string> annotations(response.annotations().begin(),
                                                         response.annotations().end());
    for (const auto& [name, value] : envs) {
      PutFirst(spec.envs, name, value, "env", resource, spec.conflicts);
    }
    for (const v1beta1::Mount& mount : response.mounts()) {
      PutFirst(spec.mounts, mount.container_path(),
               ContainerSpec::Mount{mount.host_path(), mount.read_only()}, "mount", resource,
               spec.conflicts);
    }
    for (const v1beta1::DeviceSpec& device : response.devices()) {
      PutFirst(spec.devices, device.container_path(),
               ContainerSpec::DeviceNode{device.host_path(), device.permissions()}, "device",
               resource, spec.conflicts);
    }
    for (const auto& [key, value] : annotations) {
      PutFirst(spec.annotations, key, value, "annotation", resource, spec.conflicts);
    }
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
