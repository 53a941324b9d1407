#pragma once

#include <functional>
#include <memory>
#include <string>

#include "lib/base/event_loop.h"
#include "lib/base/status.h"
#include "lib/kubelet/paths.h"

namespace nodedevice {

// Calls Register once on the kubelet's socket, without blocking. `done` runs on the loop, exactly
// once, also after the returned handle is gone. Destroying the handle cancels. Loop thread only;
// the loop must outlive the call.
class RegisterCall {
 public:
  static std::unique_ptr<RegisterCall> Start(EventLoop& loop, const KubeletPaths& paths,
                                             const std::string& resource,
                                             const std::string& endpoint,
                                             std::function<void(absl::Status)> done);
  ~RegisterCall();

 private:
  struct State;
  explicit RegisterCall(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

}  // namespace nodedevice
