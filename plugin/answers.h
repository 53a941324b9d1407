#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "lib/api/device_plugin_config.h"
#include "lib/base/host_root.h"
#include "lib/base/status.h"
#include "plugin/device_board.h"
#include "plugin/rpc_stats.h"
#include "proto/deviceplugin.pb.h"

namespace nodedevice {

// Makes the devices with these ids ready for a container; `done` tells, once and on any thread.
using PrepareDevices =
    std::function<void(std::set<std::string> ids, std::function<void(const absl::Status&)> done)>;

// The unary calls of the device plugin API for one resource, answered from the newest announcement.
// Allocate and its like are answered at once: the kubelet waits without a deadline while it holds a
// lock over the whole node. Whatever takes time is PreStartContainer's. Thread-safe.
class Answers {
 public:
  using Done = std::function<void(const absl::Status&)>;

  struct Parts {
    const PluginSpec& spec;
    const HostRoot& host;
    const DeviceBoard& board;
    RpcStats& stats;
    // Both may be called on any thread and must only post.
    std::function<void()> on_answered;
    std::function<void()> on_device_missing;  // a node vanished that the last scan saw
    // Makes devices ready for a container; empty: there is nothing to be done for them.
    PrepareDevices prepare;
  };

  explicit Answers(Parts parts) : parts_(std::move(parts)) {}

  absl::Status GetDevicePluginOptions(const v1beta1::Empty& request,
                                      v1beta1::DevicePluginOptions* reply) const;
  absl::Status GetPreferredAllocation(const v1beta1::PreferredAllocationRequest& request,
                                      v1beta1::PreferredAllocationResponse* reply) const;
  absl::Status Allocate(const v1beta1::AllocateRequest& request,
                        v1beta1::AllocateResponse* reply) const;
  // Makes the devices ready, and looks whether their nodes are there then. `done` is called once,
  // on any thread.
  void PreStartContainer(const v1beta1::PreStartContainerRequest& request, Done done) const;

  // What was called, for the report.
  void Record(const char* method, Duration took, const absl::Status& status) const;

 private:
  const PluginSpec& SpecOf(const Announcement& offered) const;
  absl::Status CheckNodes(const std::vector<DeviceNode>& nodes) const;

  const Parts parts_;
};

}  // namespace nodedevice
