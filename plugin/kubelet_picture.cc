#include "plugin/kubelet_picture.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <tuple>

namespace nodedevice {
namespace {

// Ids that live in the answers.
using Ids = std::set<std::string_view>;
using IdsByResource = std::map<std::string_view, Ids>;

template <typename Devices>
IdsByResource ByResource(const Devices& devices) {
  IdsByResource by_resource;
  for (const v1::ContainerDevices& entry : devices) {
    Ids& ids = by_resource[entry.resource_name()];
    ids.insert(entry.device_ids().begin(), entry.device_ids().end());
  }
  return by_resource;
}

DeviceHolder HolderOf(std::string_view resource, const Ids& ids) {
  DeviceHolder holder;
  holder.resource = resource;
  holder.count = ids.size();
  for (const std::string_view id : ids) {
    if (holder.devices.size() == kMaxHeldDevices) break;
    holder.devices.emplace_back(id);
  }
  return holder;
}

}  // namespace

KubeletReport ToKubeletReport(const v1::AllocatableResourcesResponse& allocatable,
                              const v1::ListPodResourcesResponse& pods) {
  KubeletReport report;
  for (const auto& [resource, ids] : ByResource(allocatable.devices())) {
    report.resources[std::string(resource)].accepted = ids.size();
  }
  for (const v1::PodResources& pod : pods.pod_resources()) {
    for (const v1::ContainerResources& container : pod.containers()) {
      for (const auto& [resource, ids] : ByResource(container.devices())) {
        DeviceHolder holder = HolderOf(resource, ids);
        holder.namespace_name = pod.namespace_();
        holder.pod = pod.name();
        holder.container = container.name();
        ResourceUse& use = report.resources[holder.resource];
        use.allocated += holder.count;
        ++use.holders;
        report.holders.push_back(std::move(holder));
      }
    }
  }
  std::ranges::sort(report.holders, {}, [](const DeviceHolder& holder) {
    return std::tie(holder.namespace_name, holder.pod, holder.container, holder.resource,
                    holder.devices);
  });
  return report;
}

}  // namespace nodedevice
