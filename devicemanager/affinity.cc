#include "devicemanager/affinity.h"

#include <algorithm>
#include <utility>

namespace nodedevice::devicemanager {
namespace {

using Limits = std::map<std::string, int>;

void Add(const Limits& more, Limits& limits) {
  for (const auto& [resource, count] : more) limits[resource] += count;
}

void Raise(const Limits& at_least, Limits& limits) {
  for (const auto& [resource, count] : at_least) {
    limits[resource] = std::max(limits[resource], count);
  }
}

HintRequest MakeRequest(const State& state, const TopologySettings& settings,
                        const std::string& resource, int required) {
  HintRequest request{.required = required,
                      .devices = state.model.NumaNodesOf(resource),
                      .available = state.model.Healthy(resource),
                      .reusable = {},
                      .held = {},
                      .machine = settings.nodes};
  for (const std::string& id : state.pod_devices.InUse(resource)) request.available.erase(id);
  return request;
}

std::set<std::string> HeldByPod(const State& state, const Pod& pod, const std::string& resource) {
  std::set<std::string> held;
  for (const Container& container : pod.containers) {
    if (const auto* devices = state.pod_devices.Find(pod.uid, container.name, resource)) {
      held.merge(devices->Ids());
    }
  }
  return held;
}

}  // namespace

std::map<std::string, int> PodLimits(const Pod& pod) {
  Limits running;
  Limits sidecars;
  Limits starting;
  for (const Container& container : pod.containers) {
    if (container.kind == ContainerKind::kInit) {
      Limits now = sidecars;
      Add(container.limits, now);
      Raise(now, starting);
      continue;
    }
    Add(container.limits, running);
    if (container.kind == ContainerKind::kSidecar) Add(container.limits, sidecars);
  }
  Raise(starting, running);
  return running;
}

Affinity AffinityOf(const State& state, const TopologySettings& settings, const Pod& pod,
                    const Container& container, const ReusableDevices& reusable) {
  if (settings.policy == TopologyPolicy::kNone) return {};
  std::vector<ResourceHints> hints;
  for (const auto& [resource, required] : container.limits) {
    if (!IsDevicePluginResource(state, resource)) continue;
    HintRequest request = MakeRequest(state, settings, resource, required);
    if (const auto left = reusable.find(resource); left != reusable.end()) {
      request.reusable = left->second;
    }
    if (const auto* held = state.pod_devices.Find(pod.uid, container.name, resource)) {
      request.held = held->Ids();
    }
    hints.push_back(MakeHints(request));
  }
  return MergeHints(settings, hints);
}

Affinity AffinityOf(const State& state, const TopologySettings& settings, const Pod& pod) {
  if (settings.policy == TopologyPolicy::kNone) return {};
  std::vector<ResourceHints> hints;
  for (const auto& [resource, required] : PodLimits(pod)) {
    if (!IsDevicePluginResource(state, resource)) continue;
    HintRequest request = MakeRequest(state, settings, resource, required);
    request.held = HeldByPod(state, pod, resource);
    hints.push_back(MakeHints(request));
  }
  return MergeHints(settings, hints);
}

}  // namespace nodedevice::devicemanager
