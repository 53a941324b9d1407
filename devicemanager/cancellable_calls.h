#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "grpcpp/client_context.h"
#include "lib/base/clock.h"

namespace nodedevice::devicemanager {

// Calls of gRPC that another thread may end: of one connection, or of one program. Thread-safe.
class CancellableCalls {
 public:
  // `reason`: what a call gets, with the code CANCELLED, that was not to begin any more.
  explicit CancellableCalls(std::string reason) : reason_(std::move(reason)) {}

  // Runs `rpc` with a context that Cancel() ends; no timeout: no deadline.
  grpc::Status Run(std::optional<Duration> timeout,
                   const std::function<grpc::Status(grpc::ClientContext*)>& rpc);

  // Ends the calls under way and every wait, and refuses all later ones.
  void Cancel();
  bool cancelled() const;

  // Waits until Cancel(), at most until `deadline`; whether Cancel() came.
  bool WaitForCancel(TimePoint deadline);

 private:
  const std::string reason_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool cancelled_ = false;                 // guarded by mutex_
  std::set<grpc::ClientContext*> active_;  // guarded by mutex_
};

}  // namespace nodedevice::devicemanager
