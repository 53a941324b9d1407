#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "lib/api/device_plugin_config.h"
#include "lib/api/plugin_report.h"
#include "lib/base/event_loop.h"
#include "lib/base/host_root.h"
#include "lib/base/worker.h"
#include "lib/kubelet/kubelet_watch.h"
#include "plugin/answers.h"
#include "plugin/device_board.h"
#include "plugin/kubelet_client.h"
#include "plugin/own_sockets.h"
#include "plugin/registrar.h"
#include "plugin/rpc_server.h"
#include "plugin/rpc_stats.h"

namespace nodedevice {

// One resource at the kubelet: performs what its Registrar decides. Owns the gRPC server, the board
// it answers from and the call to Register. Loop thread only; the worker opens and closes servers.
class ResourceServer {
 public:
  struct Parts {
    EventLoop& loop;
    Worker& worker;
    KubeletPaths paths;
    const HostRoot& host;
    const PluginSpec& spec;                    // must outlive this
    std::function<void()> on_change;           // something in Report() may have changed
    std::function<void()> on_look_at_kubelet;  // a stream ended: its socket should be looked at
    std::function<void()> on_device_missing;
    std::function<void()> on_stopped;  // after Stop(), when the server is gone
    PrepareDevices prepare;            // may be called on any thread; empty: nothing to be done
  };

  ResourceServer(Parts parts, std::string resource);
  ~ResourceServer();

  // `spec`: the entry as it holds for this resource, the same pointer as long as it says the same;
  // null: as it stands.
  void Publish(DeviceSet devices, std::shared_ptr<const Affinity> affinity,
               std::shared_ptr<const PluginSpec> spec);
  // What was published last.
  Latest<Announcement> Current() const { return board_.Current(); }

  void OnKubelet(Transition transition);
  // After a look at the device-plugins folder: is our socket still there?
  void CheckOwnSocket();

  void Stop(bool withdraw);

  ResourceReport Report() const;

 private:
  // gRPC's threads reach this object only through it: it posts, and drops what comes after the end.
  struct Mailbox;

  void Handle(const Registrar::Event& event);
  void Perform(const Registrar::Serve& action);
  void Perform(const Registrar::Register& action);
  void Perform(const Registrar::PublishEmpty& action);
  void Perform(const Registrar::ShutDown& action);
  StreamCallbacks CallbacksOf(std::uint64_t generation);
  Answers MakeAnswers();

  Parts parts_;
  const std::string resource_;
  const OwnSockets sockets_;
  std::shared_ptr<Mailbox> mailbox_;
  Registrar registrar_;
  RpcStats stats_;
  DeviceBoard board_;
  Timer deadline_;
  Timer calls_;                   // tells of answered calls, a while later and together
  std::uint64_t generation_ = 0;  // of the server that was asked for last
  bool serving_ = false;          // it is open: its socket must exist
  std::uint64_t list_updates_ = 0;
  bool stopped_ = false;
  std::shared_ptr<std::atomic<bool>> call_answered_;  // set by gRPC's threads, cleared by the loop

  std::unique_ptr<RegisterCall> call_;  // outstanding, or over

  struct Running;
  std::shared_ptr<Running> running_;  // the worker's
};

}  // namespace nodedevice
