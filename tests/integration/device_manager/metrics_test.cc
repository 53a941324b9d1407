// The metrics of a kubelet, as the real program counts and prints them.

#include <sys/wait.h>

#include <cstdlib>
#include <set>
#include <sstream>

#include "gmock/gmock.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "lib/base/file.h"
#include "proto/podresources.grpc.pb.h"
#include "proto/podresources_v1alpha1.grpc.pb.h"
#include "tests/integration/device_manager/command_line.h"

namespace nodedevice::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

class MetricsTest : public CommandLineTest {
 protected:
  std::string Metrics() const {
    const Outcome outcome = Run({"metrics"});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.output;
    return outcome.output;
  }

  // Each method once, Get in vain as well.
  void AskPodResources(const std::string& pod) const {
    const auto channel = grpc::CreateChannel("unix:" + paths_.pod_resources_socket().string(),
                                             grpc::InsecureChannelCredentials());
    const auto stub = v1::PodResourcesLister::NewStub(channel);
    {
      grpc::ClientContext context;
      v1::ListPodResourcesResponse response;
      EXPECT_TRUE(stub->List(&context, {}, &response).ok());
    }
    {
      grpc::ClientContext context;
      v1::AllocatableResourcesResponse response;
      EXPECT_TRUE(stub->GetAllocatableResources(&context, {}, &response).ok());
    }
    v1::GetPodResourcesRequest request;
    request.set_pod_namespace("default");
    for (const std::string& name : {pod, std::string("nobody")}) {
      grpc::ClientContext context;
      v1::GetPodResourcesResponse response;
      request.set_pod_name(name);
      EXPECT_EQ(stub->Get(&context, request, &response).ok(), name == pod);
    }
    grpc::ClientContext context;
    v1alpha1::ListPodResourcesResponse response;
    EXPECT_TRUE(v1alpha1::PodResourcesLister::NewStub(channel)->List(&context, {}, &response).ok());
  }
};

TEST_F(MetricsTest, WhatAKubeletCountsIsCounted) {
  StartServing({"--topology-manager-policy", "best-effort", "--numa-nodes", "0,1"});
  StartPlugin("a.sock", {"x", "y"});
  EXPECT_FALSE(plugin_->Register("no name").ok());
  ASSERT_EQ(Run({"admit", PodFile("demo", 1)}).exit_code, 0);
  ASSERT_EQ(Run({"admit", PodFile("greedy", 2)}).exit_code, 1) << "one is left";
  AskPodResources("demo");

  const std::string text = Metrics();
  for (const char* line :
       {"kubelet_device_plugin_registration_total{resource_name=\"example.com/a\"} 1\n",
        "kubelet_device_plugin_registration_total{resource_name=\"no name\"} 1\n",
        "kubelet_device_plugin_alloc_duration_seconds_count{resource_name=\"example.com/a\"} 1\n",
        "kubelet_pod_resources_endpoint_requests_total{server_api_version=\"v1\"} 4\n",
        "kubelet_pod_resources_endpoint_requests_total{server_api_version=\"v1alpha1\"} 1\n",
        "kubelet_pod_resources_endpoint_requests_list{server_api_version=\"v1\"} 1\n",
        "kubelet_pod_resources_endpoint_requests_get{server_api_version=\"v1\"} 2\n",
        "kubelet_pod_resources_endpoint_requests_get_allocatable{server_api_version=\"v1\"} 1\n",
        "kubelet_pod_resources_endpoint_errors_get{server_api_version=\"v1\"} 1\n",
        "kubelet_topology_manager_admission_requests_total 2\n",
        "kubelet_topology_manager_admission_errors_total 1\n",
        "kubelet_topology_manager_admission_duration_ms_count 2\n"}) {
    EXPECT_THAT(text, HasSubstr(line));
  }

  ASSERT_EQ(Run({"restart", "--down", "0"}).exit_code, 0);
  const std::string anew = Metrics();
  EXPECT_THAT(anew, Not(HasSubstr("device_plugin_registration")));
  EXPECT_THAT(anew, HasSubstr("kubelet_topology_manager_admission_requests_total 0\n"));
}

TEST_F(MetricsTest, WithThePolicyNoneARejectedPodIsNoErrorOfTheTopologyManager) {
  StartServing();
  StartPlugin("a.sock", {"x"});
  ASSERT_EQ(Run({"admit", PodFile("greedy", 2)}).exit_code, 1);
  EXPECT_THAT(Metrics(), HasSubstr("kubelet_topology_manager_admission_requests_total 1\n"));
  EXPECT_THAT(Metrics(), HasSubstr("kubelet_topology_manager_admission_errors_total 0\n"));
}

TEST_F(MetricsTest, PromtoolFindsNothingButWhatAKubeletsNamesAreGuiltyOf) {
  StartServing();
  StartPlugin("a.sock", {"x"});
  ASSERT_EQ(Run({"admit", PodFile("demo", 1)}).exit_code, 0);
  AskPodResources("demo");
  const std::string file = dir_.Write("metrics.txt", Metrics());
  const std::string said = dir_.path() / "promtool.txt";
  const int status =
      std::system(("promtool check metrics < " + file + " > " + said + " 2>&1").c_str());
  EXPECT_EQ(WEXITSTATUS(status), 3) << "metrics that can be read, with names to find fault with";
  std::set<std::string> complaints;
  std::istringstream lines(ReadFile(said, 1u << 20).value_or(""));
  for (std::string line; std::getline(lines, line);) complaints.insert(line);
  const std::string endpoint = "kubelet_pod_resources_endpoint_";
  const std::string total = " counter metrics should have \"_total\" suffix";
  EXPECT_THAT(complaints,
              UnorderedElementsAre(
                  endpoint + "requests_list" + total, endpoint + "requests_get" + total,
                  endpoint + "requests_get_allocatable" + total, endpoint + "errors_get" + total,
                  "kubelet_topology_manager_admission_duration_ms metric names "
                  "should not contain abbreviated units"));
}

}  // namespace
}  // namespace nodedevice::testing
