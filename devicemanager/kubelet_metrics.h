#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>

#include "lib/metrics/histogram.h"

namespace nodedevice::devicemanager {

// The bounds of a kubelet's buckets for the time that Allocate takes, in seconds.
inline constexpr std::array<double, 11> kAllocateBounds = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
                                                           0.5,   1,    2.5,   5,    10};
// For the time that the Topology Manager takes to admit a pod, in milliseconds: doubled each time.
inline constexpr std::array<double, 15> kTopologyBounds = {
    0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 51.2, 102.4, 204.8, 409.6, 819.2};

// What is counted of the podresources API, each by API version.
enum class PodResourcesCounter {
  kRequests,  // of any method
  kList,
  kGet,
  kGetAllocatable,
  kListErrors,
  kGetErrors,
  kGetAllocatableErrors,
};

// What a kubelet counts of its device plugins from its start on. A value.
struct KubeletMetrics {
  std::map<std::string, std::uint64_t> registrations;  // by resource; refused ones as well
  std::map<std::string, Histogram<kAllocateBounds>> allocations;  // by resource; failures as well
  std::map<PodResourcesCounter, std::map<std::string, std::uint64_t>> pod_resources;  // by version
  std::uint64_t admissions = 0;
  // Stays 0 with the policy none, whatever becomes of the pods.
  std::uint64_t admission_errors = 0;
  Histogram<kTopologyBounds> admission_duration;
};

// In the Prometheus text format, with a kubelet's names, types and labels. As there, what has a
// label is not shown before it was counted once.
std::string MetricsText(const KubeletMetrics& metrics);

}  // namespace nodedevice::devicemanager
