#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "devicemanager/cancellable_calls.h"
#include "devicemanager/conformance/observation.h"
#include "proto/deviceplugin.grpc.pb.h"

namespace nodedevice::devicemanager::conformance {

// One connection to a plugin. Unlike PluginClient it takes answers as they are on the wire, and
// asks what no kubelet would. Thread-safe; Close() from any thread ends every call under way.
class PluginConnection {
 public:
  explicit PluginConnection(std::filesystem::path socket);
  PluginConnection(const PluginConnection&) = delete;
  PluginConnection& operator=(const PluginConnection&) = delete;

  // Connects as a kubelet does: again every second until the limit. Once, before any call.
  Outcome Dial(Duration limit);

  Outcome GetOptions(Duration limit, Options* options);
  Outcome Allocate(const std::vector<std::string>& ids, Duration limit,
                   v1beta1::AllocateResponse* response);
  // Fills in what came of the call that is described.
  void GetPreferred(Duration limit, PreferredCall* call);
  Outcome PreStart(const std::vector<std::string>& ids, Duration limit);

  // Receives lists until the stream ends.
  void Watch(const std::function<void(DeviceList)>& on_list);

  void Close() { calls_.Cancel(); }
  bool closed() const { return calls_.cancelled(); }

 private:
  Outcome Call(std::optional<Duration> limit,
               const std::function<grpc::Status(grpc::ClientContext*)>& rpc);

  const std::filesystem::path socket_;
  std::unique_ptr<v1beta1::DevicePlugin::Stub> stub_;  // set by Dial, before any call
  CancellableCalls calls_;
};

}  // namespace nodedevice::devicemanager::conformance
