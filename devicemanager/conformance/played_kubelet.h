#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "devicemanager/conformance/changes.h"
#include "devicemanager/conformance/observation.h"
#include "devicemanager/conformance/plugin_connection.h"
#include "devicemanager/grpc_listener.h"
#include "devicemanager/registry_watcher.h"
#include "devicemanager/thread_group.h"
#include "lib/base/event_loop.h"
#include "lib/kubelet/paths.h"
#include "proto/deviceplugin.grpc.pb.h"

namespace nodedevice::devicemanager::conformance {

// What a kubelet 1.36 does with device plugins as far as they can see it, moment by moment as it is
// told, and a record of what the plugins did. It takes those that call Register on kubelet.sock and
// those that put a socket into plugins_registry. It refuses what a kubelet refuses, with its words,
// and like it disconnects the newest connection of a resource when any stream of it ends, or when a
// socket in plugins_registry is gone by which it was registered.
//
// Thread-safe, but for Start() and Kill(), which belong to one thread that is not the loop's. The
// loop must run meanwhile.
class PlayedKubelet : private v1beta1::Registration::Service {
 public:
  PlayedKubelet(EventLoop& loop, KubeletPaths paths, Changes& changes);
  ~PlayedKubelet() override;

  // Begins to serve: removes every socket in device-plugins, then listens on kubelet.sock there and
  // looks into plugins_registry.
  absl::Status Start();
  // As killed: streams and calls end, kubelet.sock stays behind and refuses.
  void Kill();
  bool running() const { return listener_ != nullptr; }

  void SetStage(Stage stage);
  // Calls of Register wait that long before anything is done about them.
  void AnswerAfter(Duration delay);
  // The next registration of each resource fails; then no more.
  void TurnAwayOnce(bool on);
  // Cancels every stream.
  void CutStreams();

  // The connection that a resource stands for, for whoever wants to ask it something.
  struct Registered {
    std::uint64_t number = 0;  // later registrations have higher ones
    std::string endpoint;
    std::filesystem::path socket;           // where that is
    std::filesystem::path registry_socket;  // in plugins_registry; empty: it called Register
    Options options;
    std::shared_ptr<PluginConnection> connection;  // nullptr once its stream has ended
    bool streaming = false;
    bool listed = false;
    DeviceList devices;       // the newest list
    std::uint64_t lists = 0;  // how many came
    TimePoint listed_at;      // when the first of them came
  };
  // Of each resource the newest, whether or not its stream is still open.
  std::map<std::string, Registered> Resources() const;

  // The number of the newest registration: 0 before the first.
  std::uint64_t newest() const;
  std::size_t open_streams() const;
  // No plugin is waiting for the news of its registration by plugins_registry.
  bool settled() const;
  // When something last came from a plugin.
  TimePoint last_heard() const;

  // What came so far. Streams that are open are told as they are now.
  std::vector<Registration> Registrations() const;
  std::vector<Discovery> Discoveries() const;
  std::vector<Stream> Streams() const;

 private:
  struct Current : Registered {
    TimePoint opened;
    std::optional<std::size_t> record;  // in streams_
  };

  grpc::Status Register(grpc::ServerContext* context, const v1beta1::RegisterRequest* request,
                        v1beta1::Empty* response) override;
  // What is done about plugins in plugins_registry, on the threads of its watcher.
  RegistryHandlers Handlers();
  absl::Status Add(const FoundPlugin& found);
  void Told(const RegistryAttempt& attempt);
  // Its calls failed because the server that was called ended, and took its socket away: a kubelet
  // that called at that moment forgets it with the socket, and it is no fault. Waits for a moment,
  // because the error comes before the socket goes.
  bool IsWithdrawn(const RegistryAttempt& attempt);
  bool TurnsAway(const std::string& resource);  // REQUIRES: mutex_ held
  // What came of dialling a plugin back.
  struct DialBack {
    std::optional<Outcome> dialled;
    std::optional<Outcome> asked;
    Options options;
  };
  // Dials `candidate`, whose endpoint and sockets are set. The error is what its registration fails
  // with.
  absl::Status Accept(const std::string& resource, Current candidate, DialBack* came);
  void Receive(const std::string& resource, std::uint64_t number, std::optional<std::size_t> record,
               const std::shared_ptr<PluginConnection>& connection);
  bool Streams(const std::string& resource) const;
  void DisconnectAll();               // REQUIRES: mutex_ held
  void Disconnect(Current* current);  // REQUIRES: mutex_ held
  void Disconnect(const std::string& resource);
  void Record(Registration registration);
  void OnLoop(const std::function<void()>& action);

  EventLoop& loop_;
  const KubeletPaths paths_;
  Changes& changes_;

  mutable std::mutex mutex_;
  // Guarded by mutex_ until the end.
  Stage stage_ = Stage::kStart;
  Duration delay_ = Duration::zero();
  std::optional<std::set<std::string>> turned_away_;  // set while the first call is turned away
  bool accepting_ = false;
  std::uint64_t newest_ = 0;
  TimePoint last_heard_;
  std::map<std::string, Current> current_;
  std::map<std::uint64_t, std::shared_ptr<PluginConnection>> open_;  // dialling or streaming
  std::map<std::uint64_t, std::string> streaming_;                   // the resource of each stream
  std::vector<Registration> registrations_;
  std::vector<Discovery> discoveries_;
  std::map<std::filesystem::path, Discovery> registering_;  // by socket in plugins_registry
  std::vector<Stream> streams_;

  std::unique_ptr<GrpcListener> listener_;     // loop thread, but for whether it is there
  std::unique_ptr<RegistryWatcher> registry_;  // the same
  ThreadGroup receivers_;                      // last: its threads use all of the above
};

}  // namespace nodedevice::devicemanager::conformance
