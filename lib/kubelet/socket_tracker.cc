#include "lib/kubelet/socket_tracker.h"

namespace nodedevice {

std::optional<Transition> SocketTracker::Observe(const SocketObservation& seen) {
  const std::optional<SocketIdentity> before = current_;
  current_ = seen.answers ? seen.identity : std::nullopt;
  if (current_ == before) return std::nullopt;
  if (!current_) return Transition::kDown;
  return before ? Transition::kReplaced : Transition::kUp;
}

}  // namespace nodedevice
