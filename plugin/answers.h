#pragma once

#include <functional>
#include <vector>

#include "lib/api/device_plugin_config.h"
#include "lib/base/host_root.h"
#include "lib/base/status.h"
#include "plugin/device_board.h"
#include "plugin/rpc_stats.h"
#include "proto/deviceplugin.pb.h"

namespace nodedevice {

// The unary calls of the device plugin API for one resource, answered from the newest announcement.
// Every answer is immediate: the kubelet waits without a deadline while it holds a lock over the
// whole node. Thread-safe.
class Answers {
 public:
  struct Parts {
    const PluginSpec& spec;
    const HostRoot& host;
    const DeviceBoard& board;
    RpcStats& stats;
    // Both may be called on any thread and must only post.
    std::function<void()> on_answered;
    std::function<void()> on_device_missing;  // a node vanished that the last scan saw
  };

  explicit Answers(Parts parts) : parts_(std::move(parts)) {}

  absl::Status GetDevicePluginOptions(const v1beta1::Empty& request,
                                      v1beta1::DevicePluginOptions* reply) const;
  absl::Status GetPreferredAllocation(const v1beta1::PreferredAllocationRequest& request,
                                      v1beta1::PreferredAllocationResponse* reply) const;
  absl::Status Allocate(const v1beta1::AllocateRequest& request,
                        v1beta1::AllocateResponse* reply) const;
  absl::Status PreStartContainer(const v1beta1::PreStartContainerRequest& request,
                                 v1beta1::PreStartContainerResponse* reply) const;

  // What was called, for the report.
  void Record(const char* method, Duration took, const absl::Status& status) const;

 private:
  absl::Status CheckNodes(const std::vector<DeviceNode>& nodes) const;

  const Parts parts_;
};

}  // namespace nodedevice
