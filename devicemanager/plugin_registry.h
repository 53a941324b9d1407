#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "lib/base/backoff.h"
#include "lib/base/clock.h"
#include "lib/base/status.h"
#include "lib/kubelet/socket_identity.h"

namespace nodedevice::devicemanager {

// The sockets below plugins_registry, as they were found.
using RegistrySockets = std::map<std::filesystem::path, SocketIdentity>;

// What the kubelet's plugin watcher does about the sockets in its folder: asks each new one who it
// is and registers it, deregisters what is gone, and does both with one that was replaced. A socket
// that could not be registered is tried again after 1 s, doubled up to 2 min. Pure; not
// thread-safe.
class PluginRegistry {
 public:
  struct Register {
    std::filesystem::path socket;
    SocketIdentity identity;
    bool operator==(const Register&) const = default;
  };
  struct Deregister {
    std::string resource;
    bool operator==(const Deregister&) const = default;
  };
  using Action = std::variant<Register, Deregister>;

  // What is to be done after a look at the folder. One registration of a socket at a time.
  std::vector<Action> Look(const RegistrySockets& sockets, TimePoint now);

  // How a registration ended: with the name of the resource, or why not. The caller looks again.
  void Ended(const Register& registration, const absl::StatusOr<std::string>& resource,
             TimePoint now);

 private:
  enum class Phase { kRegistering, kRegistered, kWaiting };
  struct Entry {
    SocketIdentity identity;
    Phase phase = Phase::kRegistering;
    std::string resource;  // once registered
    int failures = 0;
    TimePoint next_try;
  };

  std::map<std::filesystem::path, Entry> entries_;
};

// Why a plugin of that type, name and versions cannot be a device plugin, in the kubelet's words.
absl::Status ValidateRegistryPlugin(const std::string& type, const std::string& name,
                                    const std::vector<std::string>& versions,
                                    const std::string& socket);

}  // namespace nodedevice::devicemanager
