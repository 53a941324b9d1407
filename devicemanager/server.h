#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "devicemanager/admission.h"
#include "devicemanager/grpc_listener.h"
#include "devicemanager/node_state.h"
#include "devicemanager/plugin_connections.h"
#include "devicemanager/pod_resources.h"
#include "devicemanager/registration_service.h"
#include "devicemanager/registry_watcher.h"
#include "lib/base/event_loop.h"
#include "lib/kubelet/paths.h"

namespace nodedevice::devicemanager {

// The kubelet's own deadlines; tests have shorter ones.
struct ServerSettings {
  Duration dial_timeout = std::chrono::seconds(10);
  Duration pre_start_timeout = std::chrono::seconds(30);
  TopologySettings topology = {};
  std::optional<std::uint64_t> shuffle = std::nullopt;  // as in Admitter
};

// A kubelet's device manager on one kubelet folder: kubelet.sock, the podresources socket, the
// checkpoint and the state behind them. The socket files stay when it goes, refusing connections.
//
// Loop thread only, but for state(), plugins() and admitter(), which are thread-safe.
class Server {
 public:
  // Takes the folder: makes device-plugins, pod-resources and plugins_registry, removes every
  // socket in device-plugins, reads the checkpoint and listens. Refused while another Device
  // Manager has the folder, or a kubelet answers in it.
  static absl::StatusOr<std::unique_ptr<Server>> Start(EventLoop& loop, const KubeletPaths& paths,
                                                       const ServerSettings& settings);

  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // What plugins see of a kubelet that restarts: streams end, kubelet.sock refuses for `down`, then
  // everything begins as in Start(). Pods keep their devices. `on_failure` is called when it cannot
  // begin again. Does nothing while it is down already.
  void Restart(Duration down, std::function<void(absl::Status)> on_failure);

  // Ends everything, for good: streams, calls, waits. Takes well under a second. What other threads
  // still wait for in state(), plugins() and admitter() comes to an end; they stay usable.
  void Stop();

  NodeState& state() { return state_; }
  PluginConnections& plugins() { return plugins_; }
  Admitter& admitter() { return admitter_; }

 private:
  Server(EventLoop& loop, const KubeletPaths& paths, const ServerSettings& settings,
         UniqueFd folder_lock);
  RegistryHandlers Handlers();
  absl::Status Open();
  void Close();

  EventLoop& loop_;
  const KubeletPaths paths_;
  const UniqueFd folder_lock_;
  NodeState state_;
  PluginConnections plugins_;
  Admitter admitter_;
  RegistrationService registration_service_;
  PodResourcesService pod_resources_service_;
  PodResourcesAlphaService pod_resources_alpha_service_;
  std::unique_ptr<GrpcListener> registration_;
  std::unique_ptr<GrpcListener> pod_resources_;
  std::unique_ptr<RegistryWatcher> registry_;
  std::function<void(absl::Status)> on_failure_;
  Timer restart_;
  Timer node_status_;
};

}  // namespace nodedevice::devicemanager
