#include "devicemanager/pod_resources.h"

#include <initializer_list>

#include "absl/strings/str_cat.h"

namespace nodedevice::devicemanager {
namespace {

void Fill(const std::string& resource, const std::string& id, std::int64_t node,
          v1::ContainerDevices& devices) {
  devices.set_resource_name(resource);
  devices.add_device_ids(id);
  if (node != kNoNumaNode) devices.mutable_topology()->add_nodes()->set_id(node);
}

// Calls function(resource, id, node) for each device and node of what the container holds.
template <typename Function>
void ForEachDevice(const PodDevices::ByResource& held_by_resource, const Function& function) {
  for (const auto& [resource, held] : held_by_resource) {
    for (const auto& [node, ids] : held.by_node) {
      for (const std::string& id : ids) function(resource, id, node);
    }
  }
}

void Count(NodeState& state, const char* version,
           std::initializer_list<PodResourcesCounter> counters) {
  state.Change([&](State& changed) {
    for (const PodResourcesCounter counter : counters) {
      ++changed.metrics.pod_resources[counter][version];
    }
  });
}

v1::PodResources Describe(const Pod& pod, const PodDevices& pod_devices) {
  v1::PodResources resources;
  resources.set_name(pod.name);
  resources.set_namespace_(pod.namespace_name);
  for (const Container& container : pod.containers) {
    if (container.kind == ContainerKind::kInit) continue;
    v1::ContainerResources& described = *resources.add_containers();
    described.set_name(container.name);
    ForEachDevice(pod_devices.OfContainer(pod.uid, container.name),
                  [&](const std::string& resource, const std::string& id, std::int64_t node) {
                    Fill(resource, id, node, *described.add_devices());
                  });
  }
  return resources;
}

}  // namespace

v1::ListPodResourcesResponse ListPodResources(const State& state) {
  v1::ListPodResourcesResponse response;
  for (const auto& [uid, pod] : state.pods) {
    *response.add_pod_resources() = Describe(pod, state.pod_devices);
  }
  return response;
}

v1::AllocatableResourcesResponse AllocatableResources(const State& state) {
  v1::AllocatableResourcesResponse response;
  for (const auto& [resource, ids] : state.model.HealthyByResource()) {
    for (const std::string& id : *ids) {
      const Device* device = state.model.FindDevice(resource, id);
      if (device->numa_nodes.empty()) Fill(resource, id, kNoNumaNode, *response.add_devices());
      for (const std::int64_t node : device->numa_nodes) {
        Fill(resource, id, node, *response.add_devices());
      }
    }
  }
  return response;
}

std::optional<v1::GetPodResourcesResponse> GetPodResources(const State& state,
                                                           const std::string& namespace_name,
                                                           const std::string& name) {
  for (const auto& [uid, pod] : state.pods) {
    if (pod.name != name || pod.namespace_name != namespace_name) continue;
    v1::GetPodResourcesResponse response;
    *response.mutable_pod_resources() = Describe(pod, state.pod_devices);
    return response;
  }
  return std::nullopt;
}

v1alpha1::ListPodResourcesResponse ListPodResourcesAlpha(const State& state) {
  v1alpha1::ListPodResourcesResponse response;
  for (const auto& [uid, pod] : state.pods) {
    v1alpha1::PodResources& resources = *response.add_pod_resources();
    resources.set_name(pod.name);
    resources.set_namespace_(pod.namespace_name);
    for (const Container& container : pod.containers) {
      // It is older than sidecars and was never taught them.
      if (container.kind != ContainerKind::kApp) continue;
      v1alpha1::ContainerResources& described = *resources.add_containers();
      described.set_name(container.name);
      ForEachDevice(state.pod_devices.OfContainer(uid, container.name),
                    [&](const std::string& resource, const std::string& id, std::int64_t /*node*/) {
                      v1alpha1::ContainerDevices& devices = *described.add_devices();
                      devices.set_resource_name(resource);
                      devices.add_device_ids(id);
                    });
    }
  }
  return response;
}

grpc::Status PodResourcesService::List(grpc::ServerContext* /*context*/,
                                       const v1::ListPodResourcesRequest* /*request*/,
                                       v1::ListPodResourcesResponse* response) {
  Count(state_, "v1", {PodResourcesCounter::kRequests, PodResourcesCounter::kList});
  state_.SitOut(Rpc::kPodResources);
  *response = state_.Read(ListPodResources);
  return grpc::Status::OK;
}

grpc::Status PodResourcesService::GetAllocatableResources(
    grpc::ServerContext* /*context*/, const v1::AllocatableResourcesRequest* /*request*/,
    v1::AllocatableResourcesResponse* response) {
  Count(state_, "v1", {PodResourcesCounter::kRequests, PodResourcesCounter::kGetAllocatable});
  state_.SitOut(Rpc::kPodResources);
  *response = state_.Read(AllocatableResources);
  return grpc::Status::OK;
}

grpc::Status PodResourcesService::Get(grpc::ServerContext* /*context*/,
                                      const v1::GetPodResourcesRequest* request,
                                      v1::GetPodResourcesResponse* response) {
  Count(state_, "v1", {PodResourcesCounter::kRequests, PodResourcesCounter::kGet});
  state_.SitOut(Rpc::kPodResources);
  auto found = state_.Read([&](const State& state) {
    return GetPodResources(state, request->pod_namespace(), request->pod_name());
  });
  if (!found) {
    Count(state_, "v1", {PodResourcesCounter::kGetErrors});
    return {grpc::StatusCode::UNKNOWN, absl::StrCat("pod ", request->pod_name(), " in namespace ",
                                                    request->pod_namespace(), " not found")};
  }
  *response = *std::move(found);
  return grpc::Status::OK;
}

grpc::Status PodResourcesAlphaService::List(grpc::ServerContext* /*context*/,
                                            const v1alpha1::ListPodResourcesRequest* /*request*/,
                                            v1alpha1::ListPodResourcesResponse* response) {
  // A kubelet counts no method of this version.
  Count(state_, "v1alpha1", {PodResourcesCounter::kRequests});
  state_.SitOut(Rpc::kPodResources);
  *response = state_.Read(ListPodResourcesAlpha);
  return grpc::Status::OK;
}

}  // namespace nodedevice::devicemanager
