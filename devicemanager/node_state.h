#pragma once

#include <condition_variable>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "devicemanager/faults.h"
#include "devicemanager/kubelet_metrics.h"
#include "devicemanager/model.h"
#include "devicemanager/pod.h"
#include "devicemanager/pod_devices.h"
#include "lib/base/clock.h"
#include "lib/base/status.h"

namespace nodedevice::devicemanager {

// Everything that the Device Manager knows.
struct State {
  Model model;
  PodDevices pod_devices;
  std::map<std::string, Pod> pods;  // by uid: what the API server would remember over a restart
  int starts = 0;                   // how often kubelet.sock was opened
  bool serving = false;             // calls are answered; they end soon when it turns false
  Faults faults;
  KubeletMetrics metrics;     // since kubelet.sock was opened
  Duration clock_ahead = {};  // how far its clock was set forward
};

// Registered now, or held by some pod: a kubelet leaves every other resource alone.
bool IsDevicePluginResource(const State& state, const std::string& resource);

// The state, shared by the threads of the gRPC servers, of the streams and of the control socket,
// as the kubelet shares its own behind one mutex: a registration has to answer in its own call, so
// there is nothing to gain from a loop between them. Thread-safe. Functions that are handed in run
// under the lock: they must neither block nor call back.
class NodeState {
 public:
  explicit NodeState(std::filesystem::path checkpoint) : checkpoint_(std::move(checkpoint)) {}

  template <typename Function>
  auto Read(Function&& function) const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return function(std::as_const(state_));
  }

  template <typename Function>
  auto Change(Function&& function) {
    struct NotifyLast {
      std::condition_variable& changed;
      ~NotifyLast() { changed.notify_all(); }
    } const notify{changed_};
    const std::lock_guard<std::mutex> lock(mutex_);
    return function(state_);
  }

  // Waits until the condition holds. False when the deadline came first, or EndWaits().
  bool WaitUntil(const std::function<bool(const State&)>& condition, TimePoint deadline);

  // Ends every wait, also later ones: the program stops.
  void EndWaits();

  // The time by the Device Manager's own clock, which can be set forward.
  TimePoint Now() const;

  // Returns when the call may go on: after its delay, when that is set to something else, or when
  // nothing is served any more.
  void SitOut(Rpc rpc);

  // Forgets resources whose plugin has been away for too long. A kubelet does so when it looks at
  // its capacity.
  void ForgetExpired();

  // Writes the checkpoint: the newest state, whoever writes last.
  absl::Status SaveCheckpoint();

  // Starts again from the checkpoint: its resources without devices, its pods with theirs. A
  // checkpoint that is missing or cannot be read is an empty one; the latter is logged.
  void LoadCheckpoint();

  // What may happen to the file. The next write heals it, the next start meets it.
  absl::Status LoseCheckpoint();
  absl::Status CorruptCheckpoint();

 private:
  const std::filesystem::path checkpoint_;
  std::mutex writing_;           // held while the file is written; before mutex_
  std::string checkpoint_text_;  // guarded by writing_; kept for its memory

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  State state_;          // guarded by mutex_
  bool ending_ = false;  // guarded by mutex_
};

}  // namespace nodedevice::devicemanager
