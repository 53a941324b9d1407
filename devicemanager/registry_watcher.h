#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "devicemanager/cancellable_calls.h"
#include "devicemanager/plugin_registry.h"
#include "devicemanager/thread_group.h"
#include "lib/base/directory_watch.h"
#include "lib/base/event_loop.h"
#include "lib/base/status.h"
#include "proto/pluginregistration.grpc.pb.h"

namespace nodedevice::devicemanager {

// What a plugin in plugins_registry said of itself (GetInfo).
struct FoundPlugin {
  std::filesystem::path socket;  // in the folder
  std::string type;
  std::string name;  // the resource
  std::string told_endpoint;
  std::vector<std::string> versions;

  // Where it serves as a device plugin: an endpoint that it does not tell is the socket itself.
  std::filesystem::path Endpoint() const {
    return told_endpoint.empty() ? socket : std::filesystem::path(told_endpoint);
  }
};

// One attempt to register what is found at a socket there, and how each of its steps ended. A step
// that was not reached is nullopt.
struct RegistryAttempt {
  FoundPlugin plugin;                      // until `asked` is OK, only its socket
  absl::Status connected;                  // somebody listens there
  std::optional<absl::Status> asked;       // GetInfo
  std::optional<absl::Status> registered;  // the kubelet's own part, with its refusals
  std::optional<absl::Status> told;        // NotifyRegistrationStatus

  // How it ended, in the kubelet's words.
  absl::Status Result() const;
};

// Who registers what is found.
struct RegistryHandlers {
  // The plugin takes its resource. On a thread of its own; may block.
  std::function<absl::Status(const FoundPlugin&)> add;
  // Who has the resource is disconnected: its socket is gone, or it did not take the news of its
  // registration. On any thread.
  std::function<void(const std::string& resource)> remove;
  // An attempt has ended. On the thread of `add`.
  std::function<void(const RegistryAttempt&)> tell;
};

// Watches plugins_registry, the newer way to register: who puts a socket there is asked, registered
// and told how that went; who removes it is deregistered. Names that begin with a dot, and what is
// not a socket, are left alone. Constructed, destroyed and called on the loop thread; the asking is
// done by threads of its own.
class RegistryWatcher {
 public:
  // Looks at once: sockets that were there before are registered too.
  RegistryWatcher(EventLoop& loop, std::filesystem::path folder, RegistryHandlers handlers);

  // Waits for registrations under way. What they wait for in `handlers` must have been ended
  // before.
  ~RegistryWatcher();
  RegistryWatcher(const RegistryWatcher&) = delete;
  RegistryWatcher& operator=(const RegistryWatcher&) = delete;

  // Cancels the calls under way and begins none any more.
  void Cancel();

 private:
  void Look();
  void Begin(const PluginRegistry::Register& registration);
  // On a thread of its own.
  RegistryAttempt Register(const std::filesystem::path& socket);
  absl::Status Ask(pluginregistration::Registration::Stub& stub, FoundPlugin* plugin);
  absl::Status Tell(pluginregistration::Registration::Stub& stub, const absl::Status& registered);

  EventLoop& loop_;
  const std::filesystem::path folder_;
  const RegistryHandlers handlers_;
  PluginRegistry registry_;
  DirectoryWatch watch_;
  Timer again_;
  // What was posted to the loop finds out by it that the watcher is gone.
  const std::shared_ptr<RegistryWatcher*> self_ = std::make_shared<RegistryWatcher*>(this);

  CancellableCalls calls_{"the Device Manager is stopping"};
  ThreadGroup threads_;  // last: its threads use all of the above
};

}  // namespace nodedevice::devicemanager
