#pragma once

#include <functional>
#include <string_view>

#include "agent/child_processes.h"
#include "agent/launcher.h"
#include "lib/api/kubelet_report.h"
#include "lib/base/clock.h"
#include "lib/base/event_loop.h"

namespace nodedevice {

// Keeps the one process running that asks the kubelet which devices it accepts and which pods hold
// them (node-device-plugin --observe: that needs gRPC, which the agent does not have). It is
// started again when it ends, after 1, 2, 4 ... 60 s; no plugin notices.
//
// Loop thread only. Callbacks come from the loop, from ChildProcesses::Reap() and from Want().
class KubeletObserver {
 public:
  struct Callbacks {
    // What the kubelet says, or with an `error` why it is not known.
    std::function<void(const KubeletReport&)> on_report;
    std::function<void()> on_stopped;  // it has ended and is not wanted
  };

  KubeletObserver(EventLoop& loop, ChildProcesses& processes, LaunchSettings settings,
                  Callbacks callbacks);

  // Whether it should run, from now on. One that is not wanted any more is told to end, and killed
  // when it does not within 10 s.
  void Want(bool wanted);

  // Kills it, for those who cannot wait.
  void Kill();

  bool running() const { return pid_ != 0; }

 private:
  void Start();
  void OnLine(std::string_view line);
  void OnExit(const ChildExit& exit);
  void OnTimer();
  // It cannot be asked, for this reason: says so and tries again later.
  void Retry(std::string_view why);

  ChildProcesses& processes_;
  const LaunchSettings settings_;
  const Callbacks callbacks_;
  bool wanted_ = false;
  bool told_to_end_ = false;  // the one that runs
  int pid_ = 0;               // 0: none runs
  int failures_ = 0;
  TimePoint started_at_{};
  Timer timer_;  // until the next start, or until it is killed
};

}  // namespace nodedevice
