#include "devicemanager/admission.h"

#include <thread>

#include "devicemanager/checkpoint.h"
#include "gmock/gmock.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "proto/podresources.grpc.pb.h"
#include "proto/podresources_v1alpha1.grpc.pb.h"
#include "tests/integration/device_manager/local_device_manager.h"
#include "tests/support/fake_plugin.h"
#include "tests/support/wait_for.h"

namespace nodedevice::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

constexpr char kResource[] = "example.com/a";

class AdmissionTest : public LocalDeviceManagerTest {
 protected:
  // Starts the plugin of kResource and waits for its devices.
  void StartPlugin(const std::vector<std::string>& ids, PluginScript script = {}) {
    plugin_ = std::make_unique<FakePlugin>(Socket("a.sock"), ids, std::move(script));
    ASSERT_TRUE(plugin_->Register(kResource).ok());
    const int count = static_cast<int>(ids.size());
    ASSERT_TRUE(Shows(kResource, {count, count, true}));
  }

  std::string RejectionOf(const std::string& pod, int count) {
    const auto admission = Admit(pod, kResource, count);
    if (!admission.rejection) return "(admitted)";
    EXPECT_EQ(admission.rejection->reason, "UnexpectedAdmissionError");
    return admission.rejection->message;
  }

  std::set<std::string> InUse() {
    return server_->state().Read(
        [](const auto& state) { return state.pod_devices.InUse(kResource); });
  }

  std::unique_ptr<FakePlugin> plugin_;
};

TEST_F(AdmissionTest, APodGetsDevicesAndWhatThePluginAnswersForThem) {
  StartPlugin({"x", "y"});
  const auto admission = Admit("p", kResource, 1);
  EXPECT_TRUE(admission.running());
  EXPECT_THAT(plugin_->allocations(), ElementsAre(ElementsAre("x")));
  ASSERT_EQ(admission.containers.size(), 1u);
  EXPECT_THAT(admission.containers[0].devices, ElementsAre(Pair(kResource, ElementsAre("x"))));
  EXPECT_EQ(admission.containers[0].spec.devices.at("/dev/x").host_path, "/dev/x");
  EXPECT_THAT(plugin_->pre_starts(), IsEmpty()) << "not asked for";
  EXPECT_EQ(ToJson(admission).dump(),
            R"({"admitted":true,"pod":{"namespace":"default","name":"p","uid":")" +
                admission.pod.uid +
                R"("},"containers":[{"name":"main","kind":"app","devices":{"example.com/a":["x"]},)"
                R"("spec":{"envs":{},"mounts":[],"devices":[{"containerPath":"/dev/x",)"
                R"("hostPath":"/dev/x","permissions":"rw"}],"annotations":{},"cdiDevices":[],)"
                R"("conflicts":[]}}]})");
}

TEST_F(AdmissionTest, AnUnregisteredResourceIsIgnoredAndNamed) {
  const auto admission = Admit("p", "example.com/none", 1);
  EXPECT_FALSE(admission.rejection.has_value());
  EXPECT_FALSE(admission.running());
  EXPECT_EQ(ToJson(admission)["containers"].dump(),
            R"([{"name":"main","kind":"app","devices":{},"ignored":["example.com/none"],)"
            R"("spec":{"envs":{},"mounts":[],"devices":[],"annotations":{},"cdiDevices":[],)"
            R"("conflicts":[]}}])");
}

TEST_F(AdmissionTest, DevicesAreNotGivenTwiceAndDeletingFreesThem) {
  StartPlugin({"x", "y"});
  ASSERT_TRUE(Admit("p", kResource, 1).running());
  EXPECT_EQ(RejectionOf("q", 2),
            "Pod was rejected: Allocate failed due to requested number of devices unavailable for "
            "example.com/a. "
            "Requested: 2, Available: 1, which is unexpected");
  ASSERT_TRUE(server_->admitter().Delete("default", "p").ok());
  EXPECT_EQ(RejectionOf("q", 2), "(admitted)");
  EXPECT_EQ(server_->admitter().Delete("default", "p").message(), "there is no pod default/p");
}

TEST_F(AdmissionTest, ARejectedPodHoldsNothing) {
  StartPlugin({"x", "y"});
  const auto admission = AdmitYaml(R"(
apiVersion: v1
kind: Pod
metadata: {name: p}
spec:
  containers:
  - {name: first, resources: {limits: {example.com/a: 1}}}
  - {name: second, resources: {limits: {example.com/a: 5}}}
)");
  EXPECT_TRUE(admission.rejection.has_value());
  EXPECT_THAT(plugin_->allocations(), ElementsAre(ElementsAre("x")));
  EXPECT_THAT(InUse(), IsEmpty());
  // A restart begins with what the file says.
  const auto checkpoint = devicemanager::DecodeCheckpoint(Checkpoint());
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
  EXPECT_THAT(checkpoint->pod_devices.pods(), IsEmpty());
}

TEST_F(AdmissionTest, ThePluginsPreferenceIsAskedForAndHonoured) {
  StartPlugin({"w", "x", "y", "z"}, {.prefers = true, .preferred = {"y", "z", "unknown"}});
  ASSERT_TRUE(Admit("p", kResource, 2).running());
  const auto preferences = plugin_->preferences();
  ASSERT_EQ(preferences.size(), 1u);
  EXPECT_THAT(preferences[0].available, ElementsAre("w", "x", "y", "z"));
  EXPECT_THAT(preferences[0].must_include, IsEmpty());
  EXPECT_EQ(preferences[0].size, 2);
  EXPECT_THAT(plugin_->allocations(), ElementsAre(ElementsAre("y", "z")));
}

TEST_F(AdmissionTest, AFailingPreferenceRejectsThePod) {
  StartPlugin({"x"}, {.prefers = true, .preferred_error = "no idea"});
  EXPECT_EQ(RejectionOf("p", 1),
            "Pod was rejected: Allocate failed due to device plugin GetPreferredAllocation rpc "
            "failed with err: rpc "
            "error: code = Unknown desc = no idea, which is unexpected");
}

TEST_F(AdmissionTest, AFailingAllocateRejectsThePod) {
  StartPlugin({"x"}, {.allocate_error = "device is on fire"});
  EXPECT_EQ(RejectionOf("p", 1),
            "Pod was rejected: Allocate failed due to rpc error: code = Unknown desc = device is "
            "on fire, which is "
            "unexpected");
  EXPECT_THAT(InUse(), IsEmpty());
}

TEST_F(AdmissionTest, AnAllocateAnswerWithoutContainersRejectsThePod) {
  StartPlugin({"x"}, {.empty_allocate_answer = true});
  EXPECT_EQ(RejectionOf("p", 1),
            "Pod was rejected: Allocate failed due to no containers return in allocation "
            "response , which is unexpected");
}

TEST_F(AdmissionTest, APluginThatWentAwayRejectsThePod) {
  StartPlugin({"x"});
  plugin_->EndStreams();
  ASSERT_TRUE(Shows(kResource, {1, 0, false}));
  EXPECT_EQ(RejectionOf("p", 1),
            "Pod was rejected: Allocate failed due to no healthy devices present; cannot allocate "
            "unhealthy devices "
            "example.com/a, which is unexpected");
}

TEST_F(AdmissionTest, APodThatIsAdmittedAgainKeepsItsDevicesWithoutAllocate) {
  StartPlugin({"x", "y"}, {.pre_start = true});
  const auto first = Admit("p", kResource, 1);
  const auto second = Admit("p", kResource, 1);
  EXPECT_EQ(first.pod.uid, second.pod.uid);
  EXPECT_EQ(first.containers[0].devices, second.containers[0].devices);
  EXPECT_EQ(second.containers[0].spec.devices.count("/dev/x"), 1u) << "the cached answer";
  EXPECT_EQ(plugin_->allocations().size(), 1u);
  EXPECT_THAT(plugin_->pre_starts(), ElementsAre(ElementsAre("x"), ElementsAre("x")));
}

TEST_F(AdmissionTest, APodThatChangesItsRequestIsRejected) {
  StartPlugin({"x", "y"});
  const std::string uid = Admit("p", kResource, 1).pod.uid;
  EXPECT_EQ(RejectionOf("p", 2),
            "Pod was rejected: Allocate failed due to pod \"" + uid +
                "\" container \"main\" changed request for resource \"example.com/a\" from 1 to 2, "
                "which is unexpected");
}

TEST_F(AdmissionTest, ASecondPodOfTheSameNameIsAnError) {
  StartPlugin({"x"});
  const std::string uid = Admit("p", kResource, 1).pod.uid;
  devicemanager::Pod other{
      .name = "p", .namespace_name = "default", .uid = "another", .containers = {}};
  EXPECT_EQ(server_->admitter().Admit(other).status().message(),
            "the pod default/p with uid " + uid + " is here already; delete it first");
}

TEST_F(AdmissionTest, PreStartContainerIsCalledWithTheContainersDevices) {
  StartPlugin({"x", "y"}, {.pre_start = true});
  ASSERT_TRUE(Admit("p", kResource, 2).running());
  EXPECT_THAT(plugin_->pre_starts(), ElementsAre(ElementsAre("x", "y")));
}

TEST_F(AdmissionTest, AFailingPreStartLeavesTheContainerWaitingWithItsDevices) {
  StartPlugin({"x"}, {.pre_start = true, .pre_start_error = "reset failed"});
  const auto admission = Admit("p", kResource, 1);
  EXPECT_FALSE(admission.rejection.has_value());
  EXPECT_FALSE(admission.running());
  ASSERT_TRUE(admission.containers.at(0).waiting.has_value());
  EXPECT_EQ(admission.containers[0].waiting->reason, "CreateContainerConfigError");
  EXPECT_EQ(admission.containers[0].waiting->message,
            "device plugin PreStartContainer rpc failed with err: rpc error: code = Unknown desc = "
            "reset failed");
  EXPECT_THAT(InUse(), ElementsAre("x"));
}

TEST_F(AdmissionTest, AnInitContainerLeavesItsDevicesToTheAppAndASidecarDoesNot) {
  StartPlugin({"x", "y"});
  const auto admission = AdmitYaml(R"(
apiVersion: v1
kind: Pod
metadata: {name: p}
spec:
  initContainers:
  - {name: prepare, resources: {limits: {example.com/a: 2}}}
  - {name: proxy, restartPolicy: Always, resources: {limits: {example.com/a: 1}}}
  containers:
  - {name: main, resources: {limits: {example.com/a: 1}}}
)");
  ASSERT_TRUE(admission.running());
  EXPECT_THAT(plugin_->allocations(),
              ElementsAre(ElementsAre("x", "y"), ElementsAre("x"), ElementsAre("y")));
}

TEST_F(AdmissionTest, ARestartKeepsThePodsDevices) {
  StartPlugin({"x", "y"});
  ASSERT_TRUE(Admit("p", kResource, 1).running());
  BeginRestart(Duration::zero());
  ASSERT_TRUE(WaitFor([&] { return Starts() == 2; }));

  FakePlugin again(Socket("again.sock"), {"x", "y"});
  ASSERT_TRUE(again.Register(kResource).ok());
  ASSERT_TRUE(Shows(kResource, {2, 2, true}));
  EXPECT_THAT(InUse(), ElementsAre("x"));
  ASSERT_TRUE(Admit("q", kResource, 1).running());
  EXPECT_THAT(again.allocations(), ElementsAre(ElementsAre("y")));
}

TEST_F(AdmissionTest, ARestartEndsAnAdmissionThatHangsInAPlugin) {
  StartPlugin({"x"}, {.hang_in_allocate = true});
  std::string rejection;
  std::thread admission([&] { rejection = RejectionOf("p", 1); });
  ASSERT_TRUE(WaitFor([&] { return plugin_->allocations().size() == 1; }));
  BeginRestart(Duration::zero());
  admission.join();
  EXPECT_EQ(rejection,
            "Pod was rejected: Allocate failed due to rpc error: code = Canceled desc = grpc: the "
            "client connection "
            "is closing, which is unexpected");
}

TEST_F(AdmissionTest, TheCheckpointHoldsThePodByNumaNode) {
  StartPlugin({});
  v1beta1::Device spread;
  spread.set_id("s");
  spread.set_health("Healthy");
  spread.mutable_topology()->add_nodes()->set_id(0);
  spread.mutable_topology()->add_nodes()->set_id(1);
  plugin_->SetDevices({spread});
  ASSERT_TRUE(Shows(kResource, {1, 1, true}));
  const auto admission = Admit("p", kResource, 1);
  ASSERT_TRUE(admission.running());

  const auto checkpoint = devicemanager::DecodeCheckpoint(Checkpoint());
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
  const auto* held = checkpoint->pod_devices.Find(admission.pod.uid, "main", kResource);
  ASSERT_NE(held, nullptr);
  EXPECT_THAT(held->by_node, ElementsAre(Pair(0, ElementsAre("s")), Pair(1, ElementsAre("s"))));
  v1beta1::ContainerAllocateResponse answer;
  ASSERT_TRUE(answer.ParseFromString(*held->response));
  EXPECT_EQ(answer.devices(0).host_path(), "/dev/s");
}

TEST_F(AdmissionTest, ACheckpointThatCannotBeWrittenRejectsThePod) {
  StartPlugin({"x"});
  ASSERT_TRUE(WaitFor([&] { return !Checkpoint().empty(); })) << "of the list";
  std::filesystem::remove_all(paths_.device_plugins());
  EXPECT_THAT(RejectionOf("p", 1),
              ::testing::HasSubstr(
                  "Pod was rejected: Allocate failed due to failed to write checkpoint file"));
}

TEST_F(AdmissionTest, PodResourcesAreServed) {
  StartPlugin({"x", "y"});
  ASSERT_TRUE(Admit("p", kResource, 1).running());
  const auto channel = grpc::CreateChannel("unix:" + paths_.pod_resources_socket().string(),
                                           grpc::InsecureChannelCredentials());
  const auto stub = v1::PodResourcesLister::NewStub(channel);
  {
    grpc::ClientContext context;
    v1alpha1::ListPodResourcesResponse response;
    ASSERT_TRUE(v1alpha1::PodResourcesLister::NewStub(channel)->List(&context, {}, &response).ok());
    ASSERT_EQ(response.pod_resources_size(), 1);
    EXPECT_EQ(response.pod_resources(0).name(), "p");
    EXPECT_EQ(response.pod_resources(0).containers(0).devices(0).device_ids(0), "x");
  }
  {
    grpc::ClientContext context;
    v1::ListPodResourcesResponse response;
    ASSERT_TRUE(stub->List(&context, {}, &response).ok());
    ASSERT_EQ(response.pod_resources_size(), 1);
    EXPECT_EQ(response.pod_resources(0).containers(0).devices(0).device_ids(0), "x");
  }
  {
    grpc::ClientContext context;
    v1::AllocatableResourcesResponse response;
    ASSERT_TRUE(stub->GetAllocatableResources(&context, {}, &response).ok());
    EXPECT_EQ(response.devices_size(), 2);
  }
  v1::GetPodResourcesRequest request;
  request.set_pod_namespace("default");
  request.set_pod_name("p");
  {
    grpc::ClientContext context;
    v1::GetPodResourcesResponse response;
    ASSERT_TRUE(stub->Get(&context, request, &response).ok());
    EXPECT_EQ(response.pod_resources().name(), "p");
  }
  request.set_pod_name("q");
  grpc::ClientContext context;
  v1::GetPodResourcesResponse response;
  EXPECT_EQ(stub->Get(&context, request, &response).error_message(),
            "pod q in namespace default not found");
}

}  // namespace
}  // namespace nodedevice::testing
