#pragma once

#include <functional>
#include <memory>
#include <thread>

#include "lib/api/kubelet_report.h"
#include "lib/kubelet/paths.h"

namespace nodedevice {

// One look at the kubelet's podresources API, by a thread of its own since the kubelet may take
// seconds: what it accepts, and which containers hold what. `done` runs on that thread, once, with
// the picture or with why there is none. Destroying the call cancels it and waits for the thread,
// which then ends at once.
class PodResourcesCall {
 public:
  PodResourcesCall(const KubeletPaths& paths, std::function<void(KubeletReport)> done);
  ~PodResourcesCall();
  PodResourcesCall(const PodResourcesCall&) = delete;
  PodResourcesCall& operator=(const PodResourcesCall&) = delete;

 private:
  struct State;
  std::unique_ptr<State> state_;
  std::thread thread_;
};

}  // namespace nodedevice
