#pragma once

#include <cstdint>
#include <functional>

#include "lib/api/device_plugin_config.h"
#include "lib/base/host_root.h"
#include "plugin/device_board.h"
#include "plugin/rpc_stats.h"
#include "proto/deviceplugin.grpc.pb.h"

namespace nodedevice {

// The five calls of the device plugin API for one resource, answered on gRPC's threads from the
// newest announcement. Every answer is immediate: the kubelet waits without a deadline while it
// holds a lock over the whole node.
class DevicePluginService : public v1beta1::DevicePlugin::CallbackService {
 public:
  struct Parts {
    const PluginSpec& spec;
    const HostRoot& host;
    DeviceBoard& board;
    RpcStats& stats;
    // Both run on gRPC's threads and must only post.
    std::function<void()> on_call_answered;
    std::function<void()> on_device_missing;  // a node vanished that the last scan saw
  };

  DevicePluginService(Parts parts, std::uint64_t generation)
      : parts_(std::move(parts)), generation_(generation) {}

  grpc::ServerUnaryReactor* GetDevicePluginOptions(grpc::CallbackServerContext* context,
                                                   const v1beta1::Empty* request,
                                                   v1beta1::DevicePluginOptions* reply) override;
  grpc::ServerWriteReactor<v1beta1::ListAndWatchResponse>* ListAndWatch(
      grpc::CallbackServerContext* context, const v1beta1::Empty* request) override;
  grpc::ServerUnaryReactor* GetPreferredAllocation(
      grpc::CallbackServerContext* context, const v1beta1::PreferredAllocationRequest* request,
      v1beta1::PreferredAllocationResponse* reply) override;
  grpc::ServerUnaryReactor* Allocate(grpc::CallbackServerContext* context,
                                     const v1beta1::AllocateRequest* request,
                                     v1beta1::AllocateResponse* reply) override;
  grpc::ServerUnaryReactor* PreStartContainer(grpc::CallbackServerContext* context,
                                              const v1beta1::PreStartContainerRequest* request,
                                              v1beta1::PreStartContainerResponse* reply) override;

 private:
  absl::Status CheckNodes(const std::vector<DeviceNode>& nodes) const;

  const Parts parts_;
  const std::uint64_t generation_;
};

}  // namespace nodedevice
