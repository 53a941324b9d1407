#pragma once

#include <optional>

#include "lib/kubelet/socket_identity.h"

namespace nodedevice {

// What was just seen at the path of kubelet.sock.
struct SocketObservation {
  std::optional<SocketIdentity> identity;  // nullopt: no socket there
  bool answers = false;                    // connect() succeeded
};

enum class Transition {
  kUp,        // it answers now and did not before
  kReplaced,  // it answers, and so did an earlier one: the kubelet was restarted in between
  kDown,      // it answered before and is gone or refuses now
};

// Tells what happened to a kubelet from looks at its socket. Pure. Inotify, timers and lost streams
// only say when to look; two looks with nothing in between tell nothing new, and a missed restart
// is seen at the next look because the socket's identity differs.
class SocketTracker {
 public:
  // nullopt: nothing that matters changed.
  std::optional<Transition> Observe(const SocketObservation& seen);

  bool up() const { return current_.has_value(); }

  // The socket that answers; nullopt while down.
  const std::optional<SocketIdentity>& current() const { return current_; }

 private:
  std::optional<SocketIdentity> current_;
};

}  // namespace nodedevice
