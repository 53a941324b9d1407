// The operator on a cluster with OpenShift's kinds and an operator that plays the
// machine-config-operator: pools, deviceManager.mode Manage, nodePreparation, and that everything
// is taken back. On a cluster of its own.

#include <signal.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "tests/cluster/stories/node.h"
#include "tests/cluster/stories/openshift_install.h"
#include "tests/cluster/stories/stage.h"
#include "tests/support/places.h"
#include "tests/support/program.h"
#include "tests/support/wait_for.h"

namespace nodedevice::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr char kConfig[] = "/apis/nodedevices.io/v1alpha1/devicepluginconfigs/worker-virt";
constexpr char kMco[] = "/apis/machineconfiguration.openshift.io/v1/";
constexpr char kOurs[] = "node-devices-worker-virt-worker";
constexpr char kMachineConfig[] = "99-worker-node-devices-worker-virt";
constexpr char kNode[] = "pool-node";

class OpenShift : public ::testing::Test {
 public:
  static void SetUpTestSuite() {
    cluster().Manage("up");
    node_ = std::make_unique<Node>(cluster(), kNode);
    cluster().MustKubectl({"label", "node", kNode, "node-role.kubernetes.io/worker="});
    const fs::path openshift = SourceRoot() / "tests/cluster/openshift";
    cluster().MustKubectl({"apply", "--server-side", "-f", openshift / "crds", "-f",
                           openshift / "custom-pool-selector.yaml"});
    cluster().MustKubectl({"wait", "--for=condition=Established", "crd", "--all"});
    cluster().MustKubectl({"apply", "--server-side", "-f", openshift / "cluster.yaml"});
    cluster().MustKubectl(
        {"apply", "--server-side", "--subresource=status", "-f", openshift / "cluster.yaml"});
    // What a reboot with other modules brings: the device node that the driver makes.
    MustWrite(
        node_->Folder() / "reboot",
        absl::StrCat("#!/bin/sh\ncd ", node_->Path("/dev").string(),
                     "\nif grep -q vfio-pci \"$2\"; then [ -e stick7 ] || mknod stick7 c 1 3; "
                     "else rm -f stick7; fi\n"));
    mco_ = std::make_unique<Program>(
        std::vector<std::string>{SourceRoot() / "build/dev/bin/fake-mco", "--kubeconfig",
                                 cluster().Kubeconfig(), "--render-delay", "500", "--update-time",
                                 "500", "--hook",
                                 absl::StrCat("sh ", (node_->Folder() / "reboot").string())},
        node_->Folder() / "mco.log");
    ASSERT_TRUE(WaitFor([] { return IsUpdated(); }));
    InstallAsOnOpenShift(cluster());
  }
  static void TearDownTestSuite() {
    mco_.reset();
    node_.reset();
    cluster().Manage("down");
  }

 protected:
  static const Cluster& cluster() {
    static const Cluster cluster("openshift");
    return cluster;
  }
  static bool WaitFor(const std::function<bool()>& condition) {
    return nodedevice::testing::WaitFor(condition, Node::kStatusPace, std::chrono::minutes(3));
  }
  static Json Find(const std::string& path) { return cluster().Get(path).value_or(Json::object()); }
  static Json Mco(const std::string& kind, const std::string& name) {
    return Find(absl::StrCat(kMco, kind, "/", name));
  }
  static std::string TextAt(const Json& object, const char* pointer) {
    return object.value(Json::json_pointer(pointer), "");
  }
  static bool IsUpdated() {
    const Json pool = Mco("machineconfigpools", "worker");
    const std::string has = TextAt(pool, "/status/configuration/name");
    return !has.empty() && has == TextAt(pool, "/spec/configuration/name") &&
           pool.value(Json::json_pointer("/status/updatedMachineCount"), 0) == 1;
  }
  static std::string RenderedName() {
    return TextAt(Mco("machineconfigpools", "worker"), "/status/configuration/name");
  }

  // The configuration of the pool, with these lines of its spec more.
  static void Apply(const std::string& more) {
    cluster().MustKubectl({"apply", "-f", "-"}, absl::StrCat(R"(apiVersion: nodedevices.io/v1alpha1
kind: DevicePluginConfig
metadata: {name: worker-virt}
spec:
  machineConfigPoolSelector:
    matchLabels: {pools.operator.machineconfiguration.openshift.io/worker: ""}
)",
                                                             more, R"(  plugins:
  - name: stick
    resourceName: nodedevices.io/stick
    paths: {groups: [{paths: [{path: "/dev/stick[0-9]"}]}]}
)"));
  }
  static Json Condition(const std::string& type) {
    const Json config = Find(kConfig);
    for (const Json& condition :
         config.value(Json::json_pointer("/status/conditions"), Json::array())) {
      if (condition["type"] == type) return condition;
    }
    return Json::object();
  }
  static bool Becomes(const std::string& type, const std::string& status,
                      const std::string& reason) {
    return WaitFor([&] {
      const Json condition = Condition(type);
      return condition.value("status", "") == status && condition.value("reason", "") == reason;
    });
  }
  static ::testing::AssertionResult Sticks(int count) {
    return node_->WaitUntilItShows(kStick, {.capacity = count, .allocatable = count});
  }

  static std::unique_ptr<Node> node_;
  static std::unique_ptr<Program> mco_;
};
std::unique_ptr<Node> OpenShift::node_;
std::unique_ptr<Program> OpenShift::mco_;

TEST_F(OpenShift, APoolGetsItsAgentsAndNothingIsWrittenToIt) {
  const Json pool = Mco("machineconfigpools", "worker");
  Apply("");
  EXPECT_TRUE(Becomes("Available", "True", "AllNodesReady")) << Find(kConfig).dump(2);
  EXPECT_TRUE(Becomes("DeviceManagerVerified", "True", "Verified"));
  EXPECT_EQ(Find(kConfig)["status"]["pools"][0]["name"], "worker");
  EXPECT_EQ(Mco("machineconfigpools", "worker"), pool);
}

TEST_F(OpenShift, AgentsServeTheirMetricsToTheNetworkForWhomTheApiLetsIn) {
  Apply("");
  ASSERT_TRUE(Becomes("Available", "True", "AllNodesReady"));
  const std::string token = TokenToReadMetrics(cluster(), "scraper");
  // As Prometheus finds them: by the Service.
  const Json slices = Json::parse(cluster().MustKubectl(
      {"get", "endpointslices", "-n", "node-device", "-l",
       "kubernetes.io/service-name=node-device-agent", "-o", "json"}))["items"];
  ASSERT_EQ(slices.size(), 1u);
  const std::string address =
      absl::StrCat("https://", slices[0]["endpoints"][0]["addresses"][0].get<std::string>(), ":",
                   slices[0]["ports"][0]["port"].get<int>(), "/metrics");
  const auto code = [&](const std::string& shown) {
    return node_
        ->Run({"curl", "--silent", "--insecure", "--max-time", "10", "--output", "/dev/null",
               "--write-out", "%{http_code}", "--header", "Authorization: Bearer " + shown,
               address})
        .out;
  };
  EXPECT_EQ(code(token), "200") << address;
  EXPECT_EQ(code("nonsense"), "401");
}

TEST_F(OpenShift, ModeManageAsksForConsentWithTheNumberOfReboots) {
  Apply("  deviceManager: {mode: Manage}\n");
  EXPECT_TRUE(Becomes("PoolsConfigured", "False", "RebootNotAllowed"));
  EXPECT_THAT(Condition("PoolsConfigured").value("message", ""), HasSubstr("1 node"));
  EXPECT_TRUE(Mco("kubeletconfigs", kOurs).empty());
}

TEST_F(OpenShift, NodePreparationComesToTheNodeAndItsDeviceToThePods) {
  const std::string before = RenderedName();
  const Stopwatch watch;
  Apply(
      "  deviceManager: {mode: Manage, allowReboot: true}\n"
      "  nodePreparation: {kernelArguments: [intel_iommu=on], kernelModules: [vfio-pci]}\n");
  EXPECT_TRUE(Becomes("PoolsConfigured", "True", "Complete")) << Condition("PoolsConfigured");
  watch.Took("nodePreparation -> every node of the pool has it");
  EXPECT_NE(RenderedName(), before);
  const Json rendered = Mco("machineconfigs", RenderedName());
  EXPECT_EQ(rendered["spec"]["kernelArguments"], Json({"intel_iommu=on"}));
  EXPECT_TRUE(Sticks(1)) << "its module made a device";
  watch.Took("nodePreparation -> the node has a device more");

  // And back.
  Apply("  deviceManager: {mode: Observe}\n");
  EXPECT_TRUE(WaitFor([&] { return IsUpdated() && RenderedName() == before; }));
  EXPECT_TRUE(WaitFor([] { return Condition("PoolsConfigured").empty(); }));
  EXPECT_TRUE(node_->WaitUntilItShows(kStick, {.capacity = 1, .allocatable = 0}))
      << "a device that is gone is unhealthy";
  EXPECT_TRUE(Mco("kubeletconfigs", kOurs).empty());
}

TEST_F(OpenShift, WhatANodeLacksIsSaidAndMayBeAppliedByHand) {
  Apply("  nodePreparation: {kernelModules: [no-such-module]}\n");
  ASSERT_TRUE(Becomes("NodesPrepared", "False", "Lacking"));
  EXPECT_THAT(Condition("NodesPrepared").value("message", ""),
              AllOf(HasSubstr(kNode), HasSubstr("the kernel module no-such-module is not loaded"),
                    HasSubstr("status.pools[].machineConfig")));
  EXPECT_TRUE(Mco("machineconfigs", kMachineConfig).empty()) << "it only observes";
  const std::string before = RenderedName();
  cluster().MustKubectl({"apply", "-f", "-"},
                        cluster().MustKubectl({"get", "dpc", "worker-virt", "-o",
                                               "jsonpath={.status.pools[0].machineConfig}"}));
  ASSERT_TRUE(WaitFor([&] { return IsUpdated() && RenderedName() != before; }));
  const std::string applied = RenderedName();

  // Who may write it from now on, makes it its own, and nothing restarts for that.
  Apply(
      "  deviceManager: {mode: Manage, allowReboot: true}\n"
      "  nodePreparation: {kernelModules: [no-such-module]}\n");
  EXPECT_TRUE(Becomes("PoolsConfigured", "True", "Complete")) << Condition("PoolsConfigured");
  EXPECT_EQ(RenderedName(), applied);
  EXPECT_TRUE(Becomes("NodesPrepared", "False", "Lacking")) << "a MachineConfig is only a wish";
  Apply("");
  EXPECT_TRUE(WaitFor([&] { return IsUpdated() && RenderedName() == before; }));
  EXPECT_TRUE(Mco("machineconfigs", kMachineConfig).empty());
}

TEST_F(OpenShift, AForeignKubeletConfigIsNamedAndLeftAsItIs) {
  cluster().MustKubectl({"apply", "-f", "-"},
                        R"(apiVersion: machineconfiguration.openshift.io/v1
kind: KubeletConfig
metadata: {name: performance}
spec:
  machineConfigPoolSelector:
    matchLabels: {pools.operator.machineconfiguration.openshift.io/worker: ""}
  kubeletConfig: {maxPods: 300}
)");
  ASSERT_TRUE(WaitFor([] {
    return Mco("kubeletconfigs", "performance").dump().find("\"Success\"") != std::string::npos &&
           Mco("machineconfigpools", "worker").dump().find("99-worker-generated-kubelet") !=
               std::string::npos &&
           IsUpdated();
  }));
  const Json foreign = Mco("kubeletconfigs", "performance");
  Apply("  deviceManager: {mode: Manage, allowReboot: true}\n");
  EXPECT_TRUE(Becomes("PoolsConfigured", "False", "ForeignKubeletConfig"));
  EXPECT_THAT(Condition("PoolsConfigured").value("message", ""), HasSubstr("performance"));
  EXPECT_EQ(Mco("kubeletconfigs", "performance"), foreign);
  EXPECT_TRUE(Mco("kubeletconfigs", kOurs).empty());
  cluster().MustKubectl({"delete", "kubeletconfig", "performance"});
}

TEST_F(OpenShift, ACustomPoolIsLabelledAndTheLabelGoesLast) {
  cluster().MustKubectl({"apply", "-f", "-"},
                        R"(apiVersion: machineconfiguration.openshift.io/v1
kind: MachineConfigPool
metadata: {name: infra, labels: {team: devices}}
spec:
  machineConfigSelector:
    matchExpressions:
    - {key: machineconfiguration.openshift.io/role, operator: In, values: [worker, infra]}
  nodeSelector: {matchLabels: {node-role.kubernetes.io/infra: ""}}
)");
  const Json before = Mco("machineconfigpools", "infra");
  cluster().MustKubectl(
      {"patch", "dpc", "worker-virt", "--type=merge", "-p",
       R"({"spec": {"machineConfigPoolSelector": {"matchLabels": {"team": "devices",
                         "pools.operator.machineconfiguration.openshift.io/worker": null}}}})"});
  ASSERT_TRUE(WaitFor([] {
    return !Mco("kubeletconfigs", "node-devices-worker-virt-infra").empty();
  })) << Condition("PoolsConfigured");
  EXPECT_EQ(Mco("machineconfigpools", "infra")["metadata"]["labels"]["nodedevices.io/pool"],
            "infra");
  EXPECT_THAT(Find(kConfig)["metadata"]["finalizers"].dump(), HasSubstr("nodedevices.io/teardown"));
  const Stopwatch watch;
  cluster().MustKubectl({"delete", "dpc", "worker-virt", "--timeout=120s"});
  watch.Took("kubectl delete of a configuration that has labelled a pool");
  EXPECT_TRUE(Mco("kubeletconfigs", "node-devices-worker-virt-infra").empty());
  const Json after = Mco("machineconfigpools", "infra");
  EXPECT_EQ(after["metadata"]["labels"], before["metadata"]["labels"]);
  EXPECT_EQ(after["spec"]["nodeSelector"], before["spec"]["nodeSelector"]);
  EXPECT_EQ(after["spec"]["machineConfigSelector"], before["spec"]["machineConfigSelector"]);
}

}  // namespace
}  // namespace nodedevice::testing
