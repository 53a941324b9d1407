#pragma once

#include <optional>
#include <string>

#include "devicemanager/node_state.h"
#include "proto/podresources.grpc.pb.h"
#include "proto/podresources_v1alpha1.grpc.pb.h"

namespace nodedevice::devicemanager {

// The answers of the kubelet's podresources API, as functions of the state. A device stands in its
// own entry, once for each of its NUMA nodes. Init containers are left out, sidecars are not.
v1::ListPodResourcesResponse ListPodResources(const State& state);
v1::AllocatableResourcesResponse AllocatableResources(const State& state);
std::optional<v1::GetPodResourcesResponse> GetPodResources(const State& state,
                                                           const std::string& namespace_name,
                                                           const std::string& name);

// The same entries as a kubelet tells them in the older API: app containers only, no NUMA nodes.
v1alpha1::ListPodResourcesResponse ListPodResourcesAlpha(const State& state);

// Serves them. Called by gRPC's threads.
class PodResourcesService : public v1::PodResourcesLister::Service {
 public:
  explicit PodResourcesService(NodeState& state) : state_(state) {}

  grpc::Status List(grpc::ServerContext* context, const v1::ListPodResourcesRequest* request,
                    v1::ListPodResourcesResponse* response) override;
  grpc::Status GetAllocatableResources(grpc::ServerContext* context,
                                       const v1::AllocatableResourcesRequest* request,
                                       v1::AllocatableResourcesResponse* response) override;
  grpc::Status Get(grpc::ServerContext* context, const v1::GetPodResourcesRequest* request,
                   v1::GetPodResourcesResponse* response) override;

 private:
  NodeState& state_;
};

// The older API, on the same socket. Called by gRPC's threads.
class PodResourcesAlphaService : public v1alpha1::PodResourcesLister::Service {
 public:
  explicit PodResourcesAlphaService(NodeState& state) : state_(state) {}

  grpc::Status List(grpc::ServerContext* context, const v1alpha1::ListPodResourcesRequest* request,
                    v1alpha1::ListPodResourcesResponse* response) override;

 private:
  NodeState& state_;
};

}  // namespace nodedevice::devicemanager
