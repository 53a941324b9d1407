#include "devicemanager/cancellable_calls.h"

#include <chrono>

namespace nodedevice::devicemanager {

grpc::Status CancellableCalls::Run(std::optional<Duration> timeout,
                                   const std::function<grpc::Status(grpc::ClientContext*)>& rpc) {
  grpc::ClientContext context;
  if (timeout) context.set_deadline(std::chrono::system_clock::now() + *timeout);
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (cancelled_) return {grpc::StatusCode::CANCELLED, reason_};
    active_.insert(&context);
  }
  grpc::Status status = rpc(&context);
  const std::lock_guard<std::mutex> lock(mutex_);
  active_.erase(&context);
  return status;
}

void CancellableCalls::Cancel() {
  const std::lock_guard<std::mutex> lock(mutex_);
  cancelled_ = true;
  for (grpc::ClientContext* context : active_) context->TryCancel();
  changed_.notify_all();
}

bool CancellableCalls::cancelled() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return cancelled_;
}

bool CancellableCalls::WaitForCancel(TimePoint deadline) {
  std::unique_lock<std::mutex> lock(mutex_);
  return changed_.wait_until(lock, deadline, [this] { return cancelled_; });
}

}  // namespace nodedevice::devicemanager
