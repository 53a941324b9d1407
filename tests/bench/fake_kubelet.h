#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "lib/base/clock.h"
#include "lib/base/status.h"
#include "lib/kubelet/paths.h"
#include "proto/deviceplugin.grpc.pb.h"

namespace grpc {
class Server;
}

namespace nodedevice::testing {

// What a kubelet sees of plugins, each with the time at which it saw it.

// A Register call came in; it is answered only after the plugin has answered ours.
struct Registered {
  TimePoint at;
  std::string resource;
  std::string endpoint;
};

// The plugin could not be dialled back, so its Register call was answered with an error.
struct DialBackFailed {
  TimePoint at;
  std::string resource;
  std::string reason;
};

// A list of devices was read from the plugin's stream.
struct Listed {
  TimePoint at;
  std::string resource;
  v1beta1::ListAndWatchResponse list;
};

// The stream is over, by the plugin's wish, by ours, or because the plugin is dead.
struct StreamEnded {
  TimePoint at;
  std::string resource;
  std::string reason;  // empty: ended in good order
};

using KubeletEvent = std::variant<Registered, DialBackFailed, Listed, StreamEnded>;

// Plays the kubelet's side of the device plugin API and nothing more: takes registrations on
// kubelet.sock, dials each plugin back (its options while Register is outstanding, then its
// stream), and keeps what it saw in a queue. It allocates nothing and judges nothing, so that
// little of what is measured with it is its own time. It shares no code with the plugin or the
// Device Manager.
//
// All functions are for one thread, the test's. Events are recorded on a thread for each stream and
// on the server's: gRPC's blocking calls, because its callback threads doze off for 0.1 s every
// second, which would be measured.
class FakeKubelet {
 public:
  explicit FakeKubelet(KubeletPaths paths);
  // Stops listening and ends every stream.
  ~FakeKubelet();
  FakeKubelet(const FakeKubelet&) = delete;
  FakeKubelet& operator=(const FakeKubelet&) = delete;

  // Does what a kubelet does when it starts: makes the folder, removes every socket in it and
  // listens on kubelet.sock. REQUIRES: it is not listening.
  absl::Status Start();

  // Stops listening; kubelet.sock is gone. Streams stay open, as if the process still lived.
  void StopListening();

  // Which streams to end: all, or those that were opened before the last Start().
  enum class Streams { kAll, kOfEarlierStarts };
  // Cancels the streams and returns when they are over.
  void CloseStreams(Streams which);

  // The oldest event not taken yet; waits for one until `deadline`, then nullopt.
  std::optional<KubeletEvent> Next(TimePoint deadline);

  // The next event of type Event that `matches`; those before it are dropped. nullopt when there
  // was none by `deadline`.
  template <typename Event>
  std::optional<Event> Await(
      TimePoint deadline,
      const std::function<bool(const Event&)>& matches = [](const Event&) { return true; }) {
    while (std::optional<KubeletEvent> event = Next(deadline)) {
      Event* wanted = std::get_if<Event>(&*event);
      if (wanted != nullptr && matches(*wanted)) return std::move(*wanted);
    }
    return std::nullopt;
  }

  // Drops the events that were not taken yet.
  void DropEvents();

  // A client of the plugin that registered from `endpoint`, over a connection of its own, for calls
  // that the caller makes and waits for.
  std::unique_ptr<v1beta1::DevicePlugin::Stub> Dial(const std::string& endpoint) const;

 private:
  class RegistrationService;
  class PluginConnection;

  void Record(KubeletEvent event);
  std::vector<std::shared_ptr<PluginConnection>> Connections(Streams which);
  std::shared_ptr<PluginConnection> Remember(const std::string& resource,
                                             const std::string& endpoint);
  void Finish(const PluginConnection* connection, KubeletEvent last_event);
  void DestroyFinished();

  const KubeletPaths paths_;
  std::unique_ptr<RegistrationService> service_;
  std::unique_ptr<grpc::Server> server_;  // null while it is not listening

  std::mutex mutex_;
  std::condition_variable changed_;
  int starts_ = 0;                                              // guarded by mutex_
  std::deque<KubeletEvent> events_;                             // guarded by mutex_
  std::vector<std::shared_ptr<PluginConnection>> connections_;  // guarded by mutex_
  // Over, and destroyed on the test's thread: a connection joins the thread that reads its stream.
  std::vector<std::shared_ptr<PluginConnection>> finished_;  // guarded by mutex_
};

}  // namespace nodedevice::testing
