#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "devicemanager/cancellable_calls.h"
#include "devicemanager/plugin_connections.h"
#include "devicemanager/plugin_registry.h"
#include "devicemanager/thread_group.h"
#include "lib/base/directory_watch.h"
#include "lib/base/event_loop.h"

namespace nodedevice::devicemanager {

// Watches plugins_registry, the newer way to register: who puts a socket there is asked, registered
// and told how that went; who removes it is deregistered. Names that begin with a dot, and what is
// not a socket, are left alone. Constructed, destroyed and called on the loop thread; the asking is
// done by threads of its own.
class RegistryWatcher {
 public:
  // Looks at once: sockets that were there before are registered too.
  RegistryWatcher(EventLoop& loop, std::filesystem::path folder, PluginConnections& plugins);

  // Waits for registrations under way. What they wait for in `plugins` must have been ended before.
  ~RegistryWatcher();
  RegistryWatcher(const RegistryWatcher&) = delete;
  RegistryWatcher& operator=(const RegistryWatcher&) = delete;

  // Cancels the calls under way and begins none any more.
  void Cancel();

 private:
  void Look();
  void Begin(const PluginRegistry::Register& registration);
  // On a thread of its own. The name of the resource.
  absl::StatusOr<std::string> Register(const std::filesystem::path& socket);

  EventLoop& loop_;
  const std::filesystem::path folder_;
  PluginConnections& plugins_;
  PluginRegistry registry_;
  DirectoryWatch watch_;
  Timer again_;
  // What was posted to the loop finds out by it that the watcher is gone.
  const std::shared_ptr<RegistryWatcher*> self_ = std::make_shared<RegistryWatcher*>(this);

  CancellableCalls calls_{"the Device Manager is stopping"};
  ThreadGroup threads_;  // last: its threads use all of the above
};

}  // namespace nodedevice::devicemanager
