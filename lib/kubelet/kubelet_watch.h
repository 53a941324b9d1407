#pragma once

#include <chrono>
#include <functional>

#include "lib/base/clock.h"
#include "lib/base/directory_watch.h"
#include "lib/base/event_loop.h"
#include "lib/kubelet/paths.h"
#include "lib/kubelet/socket_tracker.h"

namespace nodedevice {

// Watches for kubelet.sock and tells what happens to it. Looks when inotify hints, when asked to,
// every few milliseconds while a socket exists that does not answer yet, and from time to time as
// the net (a kubelet that was killed leaves its socket behind, and no event): every five seconds,
// or more rarely while a kubelet is up for those who see its end by another sign. Each look at a
// kubelet connects to it.
//
// Loop thread only. Start() looks at once; callbacks come from inside it and from the loop.
class KubeletWatch {
 public:
  struct Callbacks {
    std::function<void(Transition)> on_transition;
    // After every look, also one that changed nothing: the folder may have lost other sockets.
    std::function<void()> on_look;
  };

  static constexpr Duration kNet = std::chrono::seconds(5);

  // `net_while_up`: between two looks while a kubelet is up and the kernel gives hints.
  KubeletWatch(EventLoop& loop, KubeletPaths paths, Callbacks callbacks,
               Duration net_while_up = kNet);

  void Start();
  // Looks now: somebody saw a sign, such as a stream that ended.
  void Look();

  bool up() const { return tracker_.up(); }
  const SocketTracker& tracker() const { return tracker_; }
  // Why it is not up, for people; empty while it is.
  const std::string& problem() const { return problem_; }
  // The folder of kubelet.sock was removed, and this path still leads to what is left of it,
  // because it is the place of a mount in a container. No kubelet will ever be seen here again; a
  // new mount, of a container that is started again, leads to the folder that a kubelet uses.
  bool folder_lost() const { return folder_lost_; }

 private:
  KubeletPaths paths_;
  Callbacks callbacks_;
  const Duration net_while_up_;
  SocketTracker tracker_;
  std::string problem_;
  bool folder_lost_ = false;
  int refusals_ = 0;
  DirectoryWatch directory_;
  Timer timer_;
};

}  // namespace nodedevice
