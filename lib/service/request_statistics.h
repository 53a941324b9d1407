#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "lib/base/clock.h"
#include "lib/metrics/duration_histogram.h"

namespace nodedevice {

// What was asked of the API server.
struct RequestCounts {
  std::map<std::pair<std::string, int>, std::uint64_t> answers;  // by verb and HTTP status
  std::map<std::string, DurationHistogram> durations;            // by verb
};

// Counts the requests of an ApiClient, whose on_answer it is. Thread-safe.
class RequestStatistics {
 public:
  void Add(std::string_view verb, int http_status, Duration took) {
    const std::lock_guard<std::mutex> lock(mutex_);
    ++counts_.answers[{std::string(verb), http_status}];
    counts_.durations[std::string(verb)].Add(took);
  }
  RequestCounts Get() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return counts_;
  }

 private:
  mutable std::mutex mutex_;
  RequestCounts counts_;  // guarded by mutex_
};

}  // namespace nodedevice
