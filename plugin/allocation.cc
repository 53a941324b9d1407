#include "plugin/allocation.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>
#include <variant>

#include "plugin/nvidia/cdi_strategy.h"

namespace nodedevice {
namespace {

// Adds `item` unless it is there; false when its container path is taken by something else.
template <typename T>
bool AddOnce(std::vector<T>& list, const T& item) {
  for (const T& other : list) {
    if (other == item) return true;
    if (other.ContainerPath() == item.ContainerPath()) return false;
  }
  list.push_back(item);
  return true;
}

void AddNew(std::vector<std::string>& list, const std::vector<std::string>& more) {
  for (const std::string& item : more) {
    if (std::ranges::find(list, item) == list.end()) list.push_back(item);
  }
}

absl::Status Clash(const PluginSpec& spec, const std::string& path) {
  std::string way_out = "; request one per container";
  if (std::holds_alternative<Paths>(spec.discovery)) {
    absl::StrAppend(&way_out, ", or give the entry '", spec.name,
                    "' a containerPath that ends in '/'");
  }
  return absl::InvalidArgumentError(
      absl::StrCat(spec.resource_name, ": two of the requested devices want the container path ",
                   path, way_out));
}

}  // namespace

absl::StatusOr<ContainerAnswer> AnswerContainer(const Announcement& offered, const PluginSpec& spec,
                                                const std::vector<std::string>& wire_ids) {
  if (spec.sharing.fail_requests_greater_than_one && offered.replicas > 1 && wire_ids.size() > 1) {
    return absl::InvalidArgumentError(
        absl::StrCat(spec.resource_name, " is shared and a container may request one of it, not ",
                     wire_ids.size(), ": more would be the same device again"));
  }
  std::map<std::string_view, const Device*, NaturalLess> chosen;
  for (const std::string& id : wire_ids) {
    const Device* device = offered.Find(id);
    if (device == nullptr) {
      return absl::NotFoundError(
          absl::StrCat(spec.resource_name, ": device '", id, "' is not announced"));
    }
    if (!device->healthy()) {
      return absl::FailedPreconditionError(
          absl::StrCat(spec.resource_name, ": device '", id, "' is unhealthy: ", device->problem));
    }
    chosen.emplace(offered.replicas > 1 ? BaseId(id) : std::string_view(id), device);
  }
  ContainerAnswer answer;
  std::set<std::pair<std::string_view, std::string_view>> items;  // of variables, so far
  for (const auto& [id, device] : chosen) {
    for (const DeviceNode& node : device->nodes) {
      if (!AddOnce(answer.nodes, node)) return Clash(spec, node.ContainerPath());
    }
    for (const DeviceMount& mount : device->mounts) {
      if (!AddOnce(answer.mounts, mount)) return Clash(spec, mount.ContainerPath());
    }
    for (const auto& [name, item] : device->env_items) {
      if (!items.emplace(name, item).second) continue;
      std::string& list = answer.envs[name];
      absl::StrAppend(&list, list.empty() ? "" : ",", item);
    }
    AddNew(answer.cdi, device->cdi);
  }
  for (const MountEdit& mount : spec.container.mounts) {
    const DeviceMount added{mount.host_path, mount.container_path, mount.read_only};
    if (!AddOnce(answer.mounts, added)) return Clash(spec, added.ContainerPath());
  }
  for (const auto& [name, value] : spec.container.envs) answer.envs[name] = value;
  const Nvidia* nvidia = std::get_if<Nvidia>(&spec.discovery);
  if (nvidia != nullptr) ApplyCdiStrategy(*nvidia, answer);
  for (const auto& [name, value] : spec.container.annotations) answer.annotations[name] = value;
  AddNew(answer.cdi, spec.container.cdi);
  return answer;
}

}  // namespace nodedevice
