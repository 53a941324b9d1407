// The operator on plain Kubernetes, as an administrator meets it: installed by one command, one
// DevicePluginConfig for the nodes of a workshop, and everything that happens to both. On a cluster
// of its own.

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "tests/cluster/stories/node.h"
#include "tests/cluster/stories/stage.h"
#include "tests/support/places.h"
#include "tests/support/wait_for.h"

namespace nodedevice::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr char kConfigs[] = "/apis/nodedevices.io/v1alpha1/devicepluginconfigs/";
constexpr char kStates[] = "/apis/nodedevices.io/v1alpha1/nodedevicestates";
constexpr char kDaemonSets[] = "/apis/apps/v1/namespaces/node-device/daemonsets/";
constexpr char kPods[] =
    "/api/v1/namespaces/node-device/pods?labelSelector=app.kubernetes.io/name%3Dnode-device-agent";
constexpr char kLease[] =
    "/apis/coordination.k8s.io/v1/namespaces/node-device/leases/node-device-controller";
constexpr char kEvents[] = "/apis/events.k8s.io/v1/namespaces/default/events";

std::string Config(const std::string& name, int shares) {
  return absl::StrCat(R"(apiVersion: nodedevices.io/v1alpha1
kind: DevicePluginConfig
metadata: {name: )",
                      name, R"(}
spec:
  nodeSelector: {workshop: "true"}
  plugins:
  - name: fuse
    resourceName: nodedevices.io/fuse
    paths: {groups: [{paths: [{path: /dev/fuse}]}]}
    sharing: {replicas: )",
                      shares, R"(}
  - name: stick
    resourceName: nodedevices.io/stick
    paths: {groups: [{paths: [{path: "/dev/stick[0-9]"}]}]}
)");
}

class Operator : public ::testing::Test {
 public:
  static void SetUpTestSuite() {
    cluster().Manage("up");
    nodes_.push_back(std::make_unique<Node>(cluster(), "bench-1"));
    nodes_.push_back(std::make_unique<Node>(cluster(), "bench-2"));
    for (const auto& node : nodes_) node->Plug("stick0");
    const Stopwatch installed;
    Apply();
    cluster().MustKubectl({"rollout", "status", "deployment/node-device-controller", "-n",
                           "node-device", "--timeout=120s"});
    installed.Took("kubectl apply -k operator-manifests -> two controllers are ready");
  }
  static void TearDownTestSuite() {
    nodes_.clear();
    cluster().Manage("down");
  }

 protected:
  static const Cluster& cluster() {
    static const Cluster cluster("operator");
    return cluster;
  }
  static const Node& node(int index) { return *nodes_.at(index); }
  static fs::path Manifests() { return SourceRoot() / "operator-manifests"; }

  // The schemas must be there before what is of their kinds, which one command cannot wait for.
  static void Apply() { cluster().MustKubectl({"apply", "-k", Manifests()}); }
  static void Apply(const std::string& config) {
    cluster().MustKubectl({"apply", "-f", "-"}, config);
  }
  static void Label(int index, const std::string& label) {
    cluster().MustKubectl({"label", "--overwrite", "node", node(index).name(), label});
  }

  static bool WaitFor(const std::function<bool()>& condition) {
    return nodedevice::testing::WaitFor(condition, Node::kStatusPace, std::chrono::minutes(3));
  }
  static Json Find(const std::string& path) { return cluster().Get(path).value_or(Json::object()); }
  static Json Items(const std::string& path) { return Find(path).value("items", Json::array()); }
  static Json StatusOf(const std::string& config) {
    return Find(kConfigs + config).value("status", Json::object());
  }
  // "True AllNodesReady"
  static std::string Condition(const std::string& config, const std::string& type) {
    for (const Json& condition : StatusOf(config).value("conditions", Json::array())) {
      if (condition["type"] != type) continue;
      return absl::StrCat(condition["status"].get<std::string>(), " ",
                          condition["reason"].get<std::string>());
    }
    return "";
  }
  static bool Becomes(const std::string& config, const std::string& type,
                      const std::string& condition) {
    return WaitFor([&] { return Condition(config, type) == condition; });
  }
  static bool IsReadyOn(const std::string& config, int nodes) {
    return WaitFor([&] {
      const Json status = StatusOf(config);
      return status.value("nodes", -1) == nodes && status.value("ready", -1) == nodes &&
             Condition(config, "Progressing") == "False AsDesired";
    });
  }
  static bool Tells(const std::string& reason) {
    return WaitFor([&] {
      for (const Json& event : Items(kEvents)) {
        if (event.value("reason", "") == reason &&
            event.value("reportingController", "") == "nodedevices.io/node-device-controller") {
          return true;
        }
      }
      return false;
    });
  }
  static std::string VersionOf(const std::string& path) {
    return Find(path)["metadata"].value("resourceVersion", "");
  }
  static ::testing::AssertionResult WaitForNode(int index, const char* resource, int count) {
    return node(index).WaitUntilItShows(resource, {.capacity = count, .allocatable = count});
  }

 private:
  static std::vector<std::unique_ptr<Node>> nodes_;
};
std::vector<std::unique_ptr<Node>> Operator::nodes_;

TEST_F(Operator, OneObjectGivesThePodsOfTheSelectedNodesTheirDevices) {
  Label(0, "workshop=true");
  const Stopwatch watch;
  Apply(Config("workshop", 10));
  ASSERT_TRUE(WaitForNode(0, kFuse, 10));
  watch.Took("a DevicePluginConfig -> the node has its devices");
  EXPECT_TRUE(WaitForNode(0, kStick, 1));
  EXPECT_TRUE(IsReadyOn("workshop", 1)) << StatusOf("workshop").dump(2);
  watch.Took("a DevicePluginConfig -> its status says so");
  EXPECT_EQ(Condition("workshop", "Available"), "True AllNodesReady");
  EXPECT_EQ(Condition("workshop", "Degraded"), "False AsExpected");
  EXPECT_EQ(Condition("workshop", "DeviceManagerVerified"), "True Verified");
  EXPECT_EQ(node(1).Shows(kFuse).capacity, -1) << "it is not selected";
  EXPECT_THAT(cluster().MustKubectl({"get", "dpc"}),
              AllOf(HasSubstr("AVAILABLE"), HasSubstr("workshop")));

  cluster().MakeNamespace("guests");
  const Pod pod(cluster(), {.name = "guest",
                            .namespace_name = "guests",
                            .node = node(0).name(),
                            .limits = {{kFuse, 1}, {kStick, 1}}});
  EXPECT_TRUE(pod.WaitUntilRunning()) << pod.Get().dump(2);
  EXPECT_EQ(pod.Exec({"test", "-c", "/dev/stick0"}).code, 0);
  EXPECT_TRUE(WaitFor([] {
    for (const Json& resource : StatusOf("workshop").value("resources", Json::array())) {
      if (resource["name"] == kStick) return resource["allocated"] == 1;
    }
    return false;
  }));
  pod.Delete();
  EXPECT_TRUE(Tells("Available"));
}

TEST_F(Operator, ANodeFollowsItsLabel) {
  ASSERT_TRUE(IsReadyOn("workshop", 1));
  const Stopwatch joined;
  Label(1, "workshop=true");
  EXPECT_TRUE(WaitForNode(1, kFuse, 10));
  joined.Took("a node is labelled -> it has the devices");
  EXPECT_TRUE(IsReadyOn("workshop", 2));
  const Stopwatch left;
  Label(1, "workshop-");
  EXPECT_TRUE(IsReadyOn("workshop", 1));
  EXPECT_TRUE(WaitFor([] { return Items(kStates).size() == 1; }));
  left.Took("a node loses its label -> its agent and its state are gone");
  EXPECT_TRUE(WaitFor([] { return node(1).Shows(kFuse).allocatable == 0; }));
}

TEST_F(Operator, AnEditReachesTheNodesAndDisturbsNothingElse) {
  ASSERT_TRUE(IsReadyOn("workshop", 1));
  const std::string set = VersionOf(absl::StrCat(kDaemonSets, "node-device-agent-workshop"));
  const Stopwatch watch;
  Apply(Config("workshop", 20));
  EXPECT_TRUE(WaitForNode(0, kFuse, 20));
  watch.Took("an edit -> the node shows it");
  EXPECT_TRUE(Becomes("workshop", "ConfigAccepted", "True Accepted"));
  watch.Took("an edit -> the status says that it is in force");
  EXPECT_EQ(VersionOf(absl::StrCat(kDaemonSets, "node-device-agent-workshop")), set)
      << "agents read their configuration themselves: no pod is replaced";
  Apply(Config("workshop", 10));
  EXPECT_TRUE(WaitForNode(0, kFuse, 10));
}

TEST_F(Operator, WhatSomebodyChangesOrDeletesIsPutBack) {
  ASSERT_TRUE(IsReadyOn("workshop", 1));
  const std::string path = absl::StrCat(kDaemonSets, "node-device-agent-workshop");
  cluster().MustKubectl({"-n", "node-device", "patch", "daemonset", "node-device-agent-workshop",
                         "--type=merge", "-p",
                         R"({"spec": {"template": {"spec": {"hostNetwork": false}}}})"});
  EXPECT_TRUE(
      WaitFor([&] { return Find(path)["spec"]["template"]["spec"]["hostNetwork"] == true; }));
  EXPECT_TRUE(Tells("ObjectChanged"));
  EXPECT_TRUE(IsReadyOn("workshop", 1));
  const std::string uid = Find(path)["metadata"]["uid"];
  cluster().MustKubectl({"-n", "node-device", "delete", "daemonset", "node-device-agent-workshop"});
  EXPECT_TRUE(WaitFor([&] {
    const Json set = Find(path);
    return set.contains("metadata") && set["metadata"]["uid"] != uid;
  }));
  EXPECT_TRUE(IsReadyOn("workshop", 1));
  EXPECT_TRUE(WaitForNode(0, kFuse, 10));
}

TEST_F(Operator, ControllersThatAreReplacedHaveNothingToDo) {
  ASSERT_TRUE(IsReadyOn("workshop", 1));
  // What the cluster still does for the object before them is over: the pod of the newest template
  // is there, it has answered its probe, and the status has told it.
  const std::string path = absl::StrCat(kDaemonSets, "node-device-agent-workshop");
  ASSERT_TRUE(WaitFor([&] {
    const Json set = Find(path);
    const Json status = set.value("status", Json::object());
    return status.value("observedGeneration", -1) ==
               set.value(Json::json_pointer("/metadata/generation"), 0) &&
           status.value("updatedNumberScheduled", 0) == 1 &&
           status.value("numberAvailable", 0) == 1;
  }));
  ASSERT_TRUE(Becomes("workshop", "Available", "True AllNodesReady"));
  ASSERT_TRUE(IsReadyOn("workshop", 1));
  const std::string set = VersionOf(path);
  const std::string config = VersionOf(absl::StrCat(kConfigs, "workshop"));
  const Json status = StatusOf("workshop");
  const std::string holder = Find(kLease)["spec"].value("holderIdentity", "");
  const Stopwatch watch;
  cluster().MustKubectl({"-n", "node-device", "delete", "pod", "-l",
                         "app.kubernetes.io/name=node-device-controller"});
  EXPECT_TRUE(WaitFor([&] {
    const std::string now = Find(kLease)["spec"].value("holderIdentity", "");
    return !now.empty() && now != holder;
  }));
  watch.Took("every controller deleted -> another one leads");
  // Who answers has seen the whole cluster.
  Apply(Config("elsewhere", 10));
  EXPECT_TRUE(Becomes("elsewhere", "ConfigAccepted", "False ResourceConflict"));
  EXPECT_EQ(VersionOf(path), set);
  EXPECT_EQ(VersionOf(absl::StrCat(kConfigs, "workshop")), config)
      << "was " << status.dump() << "\nis  " << StatusOf("workshop").dump();
}

TEST_F(Operator, ASecondObjectForTheSameResourceIsRefusedAndNamesTheFirst) {
  EXPECT_TRUE(Becomes("elsewhere", "ConfigAccepted", "False ResourceConflict"));
  EXPECT_THAT(StatusOf("elsewhere").dump(),
              AllOf(HasSubstr("DevicePluginConfig workshop"), HasSubstr(kFuse)));
  EXPECT_TRUE(Tells("ResourceConflict"));
  EXPECT_TRUE(Find(absl::StrCat(kDaemonSets, "node-device-agent-elsewhere")).empty());
  cluster().MustKubectl({"delete", "dpc", "elsewhere"});
  EXPECT_EQ(Condition("workshop", "Degraded"), "False AsExpected");
}

TEST_F(Operator, WithoutTheObjectNothingIsLeftOnTheNodes) {
  ASSERT_TRUE(IsReadyOn("workshop", 1));
  const Stopwatch watch;
  cluster().MustKubectl({"delete", "dpc", "workshop"});
  EXPECT_TRUE(WaitForNode(0, kFuse, 0)) << "at once, not after the kubelet's five minutes";
  watch.Took("the object deleted -> the capacity is gone");
  EXPECT_TRUE(WaitFor([] { return Items(kPods).empty(); }));
  EXPECT_TRUE(WaitFor([] { return Items(kStates).empty(); }));
  EXPECT_TRUE(Find(absl::StrCat(kDaemonSets, "node-device-agent-workshop")).empty());
  watch.Took("the object deleted -> agents, states and DaemonSet are gone");
  EXPECT_THAT(node(0).Processes("node-device-agent"), IsEmpty());
  EXPECT_THAT(node(0).Processes("node-device-plugin"), IsEmpty());
  EXPECT_THAT(node(0).PluginSockets(), IsEmpty());
}

TEST_F(Operator, WithoutTheOperatorNothingIsLeftInTheCluster) {
  const Stopwatch watch;
  cluster().MustKubectl({"delete", "-k", Manifests()});
  watch.Took("kubectl delete -k operator-manifests");
  const std::string left = cluster().MustKubectl(
      {"get",
       "namespaces,clusterroles,clusterrolebindings,customresourcedefinitions,"
       "validatingadmissionpolicies,validatingadmissionpolicybindings,priorityclasses",
       "-o", "name"});
  EXPECT_THAT(left, AllOf(Not(HasSubstr("node-device")), Not(HasSubstr("nodedevices"))));
  EXPECT_THAT(cluster().MustKubectl({"get", "roles,rolebindings", "-n", "default", "-o", "name"}),
              Not(HasSubstr("node-device")));
}

}  // namespace
}  // namespace nodedevice::testing
