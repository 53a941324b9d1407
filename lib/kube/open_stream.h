#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "lib/kube/api_client.h"
#include "pplx/pplxtasks.h"

namespace nodedevice {

// A watch of ApiClient. Outlives its Stream in the tasks of cpprestsdk, silent from then on.
class OpenStream {
 public:
  explicit OpenStream(ApiClient::StreamCallbacks callbacks) : callbacks_(std::move(callbacks)) {}

  void Close() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      callbacks_ = {};
    }
    cancel_.cancel();
  }
  void Opened() {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (callbacks_.on_open) callbacks_.on_open();
  }
  // False when nobody wants to hear it.
  bool Bytes(std::string bytes) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!callbacks_.on_bytes) return false;
    callbacks_.on_bytes(std::move(bytes));
    return true;
  }
  void End(const absl::Status& status) {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (callbacks_.on_end) callbacks_.on_end(status);
      callbacks_ = {};
    }
    cancel_.cancel();  // what was not read of the answer
  }
  pplx::cancellation_token token() const { return cancel_.get_token(); }

 private:
  std::mutex mutex_;
  ApiClient::StreamCallbacks callbacks_;  // guarded by mutex_
  pplx::cancellation_token_source cancel_;
};

}  // namespace nodedevice
