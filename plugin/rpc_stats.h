#pragma once

#include <map>
#include <mutex>
#include <string>

#include "lib/api/plugin_report.h"
#include "lib/base/clock.h"

namespace nodedevice {

// Latencies of one resource's calls. Thread-safe.
class RpcStats {
 public:
  void Record(const char* method, Duration took);
  std::map<std::string, RpcHistogram> Read() const;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, RpcHistogram, std::less<>> by_method_;  // guarded by mutex_
};

}  // namespace nodedevice
