#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "lib/base/status.h"
#include "lib/kubelet/paths.h"

namespace nodedevice {

// One call of Register on the kubelet's socket, made by a thread of its own: it is rare, and the
// kubelet may take ten seconds over it. `prepares`: the kubelet is to
// call PreStartContainer. `done` runs on that thread, once. Destroying the call
// cancels it and waits for the thread, which then ends at once.
class RegisterCall {
 public:
  RegisterCall(const KubeletPaths& paths, const std::string& resource, const std::string& endpoint,
               bool prepares, std::function<void(absl::Status)> done);
  ~RegisterCall();
  RegisterCall(const RegisterCall&) = delete;
  RegisterCall& operator=(const RegisterCall&) = delete;

 private:
  struct State;
  std::unique_ptr<State> state_;
  std::thread thread_;
};

}  // namespace nodedevice
