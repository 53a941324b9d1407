#include "devicemanager/kubelet_metrics.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace nodedevice::devicemanager {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(KubeletMetricsTest, OnlyWhatHasNoLabelIsShownBeforeItWasCounted) {
  const std::string text = MetricsText({});
  EXPECT_THAT(text, HasSubstr("kubelet_topology_manager_admission_requests_total 0\n"));
  EXPECT_THAT(text, HasSubstr("kubelet_topology_manager_admission_errors_total 0\n"));
  EXPECT_THAT(text, HasSubstr("kubelet_topology_manager_admission_duration_ms_count 0\n"));
  EXPECT_THAT(text, Not(HasSubstr("device_plugin")));
  EXPECT_THAT(text, Not(HasSubstr("pod_resources")));
}

TEST(KubeletMetricsTest, EverythingThatIsCountedHasAKubeletsNameAndType) {
  KubeletMetrics metrics;
  metrics.registrations["example.com/a"] = 3;
  metrics.allocations["example.com/a"].Observe(0.02);
  std::uint64_t count = 0;
  for (const auto counter :
       {PodResourcesCounter::kRequests, PodResourcesCounter::kList, PodResourcesCounter::kGet,
        PodResourcesCounter::kGetAllocatable, PodResourcesCounter::kListErrors,
        PodResourcesCounter::kGetErrors, PodResourcesCounter::kGetAllocatableErrors}) {
    metrics.pod_resources[counter]["v1"] = ++count;
  }
  metrics.pod_resources[PodResourcesCounter::kRequests]["v1alpha1"] = 9;
  metrics.admissions = 2;
  metrics.admission_errors = 1;
  const std::string text = MetricsText(metrics);

  for (const char* line :
       {"kubelet_device_plugin_registration_total{resource_name=\"example.com/a\"} 3\n",
        "# TYPE kubelet_device_plugin_registration_total counter\n",
        "# TYPE kubelet_device_plugin_alloc_duration_seconds histogram\n",
        "kubelet_pod_resources_endpoint_requests_total{server_api_version=\"v1\"} 1\n",
        "kubelet_pod_resources_endpoint_requests_total{server_api_version=\"v1alpha1\"} 9\n",
        "# TYPE kubelet_pod_resources_endpoint_requests_list counter\n",
        "kubelet_pod_resources_endpoint_requests_list{server_api_version=\"v1\"} 2\n",
        "kubelet_pod_resources_endpoint_requests_get{server_api_version=\"v1\"} 3\n",
        "kubelet_pod_resources_endpoint_requests_get_allocatable{server_api_version=\"v1\"} 4\n",
        "kubelet_pod_resources_endpoint_errors_list{server_api_version=\"v1\"} 5\n",
        "kubelet_pod_resources_endpoint_errors_get{server_api_version=\"v1\"} 6\n",
        "kubelet_pod_resources_endpoint_errors_get_allocatable{server_api_version=\"v1\"} 7\n",
        "kubelet_topology_manager_admission_requests_total 2\n",
        "kubelet_topology_manager_admission_errors_total 1\n",
        "# TYPE kubelet_topology_manager_admission_duration_ms histogram\n"}) {
    EXPECT_THAT(text, HasSubstr(line));
  }
}

TEST(KubeletMetricsTest, AValueCountsInEveryBucketThatHoldsIt) {
  KubeletMetrics metrics;
  metrics.allocations["r"].Observe(0.025);
  metrics.allocations["r"].Observe(60);
  metrics.admission_duration.Observe(0);
  metrics.admission_duration.Observe(819.3);
  const std::string text = MetricsText(metrics);
  const std::string allocate = "kubelet_device_plugin_alloc_duration_seconds";
  EXPECT_THAT(text, HasSubstr(allocate + "_bucket{resource_name=\"r\",le=\"0.01\"} 0\n"));
  EXPECT_THAT(text, HasSubstr(allocate + "_bucket{resource_name=\"r\",le=\"0.025\"} 1\n"));
  EXPECT_THAT(text, HasSubstr(allocate + "_bucket{resource_name=\"r\",le=\"10\"} 1\n"));
  EXPECT_THAT(text, HasSubstr(allocate + "_bucket{resource_name=\"r\",le=\"+Inf\"} 2\n"));
  EXPECT_THAT(text, HasSubstr(allocate + "_sum{resource_name=\"r\"} 60.025"));
  const std::string admission = "kubelet_topology_manager_admission_duration_ms";
  EXPECT_THAT(text, HasSubstr(admission + "_bucket{le=\"0.05\"} 1\n"));
  EXPECT_THAT(text, HasSubstr(admission + "_bucket{le=\"819.2\"} 1\n"));
  EXPECT_THAT(text, HasSubstr(admission + "_count 2\n"));
}

}  // namespace
}  // namespace nodedevice::devicemanager
