#include "plugin/rpc_stats.h"

#include <chrono>

namespace nodedevice {

void RpcStats::Record(const char* method, Duration took) {
  const double seconds = std::chrono::duration<double>(took).count();
  const std::lock_guard<std::mutex> lock(mutex_);
  auto found = by_method_.find(method);
  if (found == by_method_.end()) found = by_method_.emplace(method, RpcHistogram{}).first;
  RpcHistogram& histogram = found->second;
  for (std::size_t i = 0; i < kRpcBuckets.size(); ++i) {
    if (seconds <= kRpcBuckets[i]) ++histogram.buckets[i];
  }
  ++histogram.count;
  histogram.sum += seconds;
}

std::map<std::string, RpcHistogram> RpcStats::Read() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return {by_method_.begin(), by_method_.end()};
}

}  // namespace nodedevice
