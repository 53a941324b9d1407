#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "devicemanager/allocation.h"
#include "devicemanager/cancellable_calls.h"
#include "devicemanager/model.h"
#include "lib/base/status.h"
#include "proto/deviceplugin.grpc.pb.h"

namespace nodedevice::devicemanager {

// What a kubelet makes of a plugin's messages. Pure.
// Anything but exactly "Healthy" is unhealthy; ids and NUMA nodes are as they came.
std::vector<Device> DevicesOf(const v1beta1::ListAndWatchResponse& response);
PluginOptions OptionsOf(const v1beta1::DevicePluginOptions& options);
// The first container's ids; none when there is no container.
DeviceIds PreferredOf(const v1beta1::PreferredAllocationResponse& response);

// One connection to one plugin, made once and never again, as the kubelet's. Thread-safe: calls may
// overlap, and Close() from any thread makes those under way and all later ones fail at once with
// the error that a kubelet shows then. Errors of calls read "rpc error: code = ... desc = ...".
class PluginClient {
 public:
  explicit PluginClient(std::filesystem::path socket);
  ~PluginClient();
  PluginClient(const PluginClient&) = delete;
  PluginClient& operator=(const PluginClient&) = delete;

  // Connects, and tries again until the timeout while nobody listens, or, with `in_vain`, although
  // somebody does. Once, before any call.
  absl::Status Dial(Duration timeout, bool in_vain = false);

  absl::StatusOr<PluginOptions> GetOptions(Duration timeout);

  // Receives lists until the stream ends, for whatever reason, and returns that reason.
  absl::Status Watch(const std::function<void(std::vector<Device>)>& on_list);

  // Neither has a deadline: the kubelet gives none.
  absl::StatusOr<v1beta1::AllocateResponse> Allocate(const DeviceIds& devices);
  absl::StatusOr<DeviceIds> GetPreferred(const AskPlugin& offer);

  absl::Status PreStart(const DeviceIds& devices, Duration timeout);

  void Close();

  const std::filesystem::path& socket() const { return socket_; }

 private:
  // Runs `rpc` with a context that Close() can cancel.
  absl::Status Call(std::optional<Duration> timeout,
                    const std::function<grpc::Status(grpc::ClientContext*)>& rpc);

  const std::filesystem::path socket_;
  std::unique_ptr<v1beta1::DevicePlugin::Stub> stub_;  // set by Dial, before any call

  CancellableCalls calls_;
};

}  // namespace nodedevice::devicemanager
