#include "devicemanager/kubelet_metrics.h"

#include <vector>

#include "lib/metrics/family_builder.h"
#include "lib/metrics/text_format.h"

namespace nodedevice::devicemanager {
namespace {

using prometheus::MetricType;

struct PodResourcesFamily {
  PodResourcesCounter counter;
  const char* name;
  const char* help;
};

constexpr std::array<PodResourcesFamily, 7> kPodResourcesFamilies = {
    {{PodResourcesCounter::kRequests, "kubelet_pod_resources_endpoint_requests_total",
      "Calls of the podresources API, of whatever method."},
     {PodResourcesCounter::kList, "kubelet_pod_resources_endpoint_requests_list",
      "Calls of List of the podresources API."},
     {PodResourcesCounter::kGet, "kubelet_pod_resources_endpoint_requests_get",
      "Calls of Get of the podresources API."},
     {PodResourcesCounter::kGetAllocatable,
      "kubelet_pod_resources_endpoint_requests_get_allocatable",
      "Calls of GetAllocatableResources of the podresources API."},
     {PodResourcesCounter::kListErrors, "kubelet_pod_resources_endpoint_errors_list",
      "Calls of List of the podresources API that failed."},
     {PodResourcesCounter::kGetErrors, "kubelet_pod_resources_endpoint_errors_get",
      "Calls of Get of the podresources API that failed."},
     {PodResourcesCounter::kGetAllocatableErrors,
      "kubelet_pod_resources_endpoint_errors_get_allocatable",
      "Calls of GetAllocatableResources of the podresources API that failed."}}};

}  // namespace

std::string MetricsText(const KubeletMetrics& metrics) {
  std::vector<prometheus::MetricFamily> families;

  FamilyBuilder registrations(MetricType::Counter, "kubelet_device_plugin_registration_total",
                              "Calls of Register by device plugins, refused ones as well.");
  for (const auto& [resource, count] : metrics.registrations) {
    registrations.Add({{"resource_name", resource}}, count);
  }
  registrations.MoveTo(families);

  FamilyBuilder allocations(MetricType::Histogram, "kubelet_device_plugin_alloc_duration_seconds",
                            "How long device plugins took to answer or fail Allocate.");
  for (const auto& [resource, histogram] : metrics.allocations) {
    allocations.AddHistogram({{"resource_name", resource}}, histogram);
  }
  allocations.MoveTo(families);

  for (const PodResourcesFamily& known : kPodResourcesFamilies) {
    const auto counts = metrics.pod_resources.find(known.counter);
    if (counts == metrics.pod_resources.end()) continue;
    FamilyBuilder family(MetricType::Counter, known.name, known.help);
    for (const auto& [version, count] : counts->second) {
      family.Add({{"server_api_version", version}}, count);
    }
    family.MoveTo(families);
  }

  FamilyBuilder admissions(MetricType::Counter, "kubelet_topology_manager_admission_requests_total",
                           "Pods that the Topology Manager was asked to admit.");
  admissions.Add({}, metrics.admissions);
  admissions.MoveTo(families);
  FamilyBuilder errors(MetricType::Counter, "kubelet_topology_manager_admission_errors_total",
                       "Pods that it rejected, for want of locality or of devices.");
  errors.Add({}, metrics.admission_errors);
  errors.MoveTo(families);
  FamilyBuilder duration(MetricType::Histogram, "kubelet_topology_manager_admission_duration_ms",
                         "How long it took over a pod with all its devices, in milliseconds.");
  duration.AddHistogram({}, metrics.admission_duration);
  duration.MoveTo(families);

  return ToMetricsText(families);
}

}  // namespace nodedevice::devicemanager
