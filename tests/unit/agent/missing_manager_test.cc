#include "agent/missing_manager.h"

#include <numeric>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "lib/base/utf8.h"

namespace nodedevice {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

constexpr char kNoReason[] =
    "the API shows no reason why the Device Manager is down, though it may take a minute to notice "
    "a dead kubelet: look on node w7 at `systemctl status kubelet` and `journalctl -u kubelet`";
const std::string kAnnotation = "machineconfiguration.openshift.io/";
const std::string kPoolLabel = "pools.operator.machineconfiguration.openshift.io/worker";

// A node of OpenShift on which all is well.
json Node() {
  return {{"metadata",
           {{"name", "w7"},
            {"labels", {{"kubernetes.io/os", "linux"}, {"node-role.kubernetes.io/worker", ""}}},
            {"annotations",
             {{kAnnotation + "state", "Done"},
              {kAnnotation + "currentConfig", "rendered-worker-a"},
              {kAnnotation + "desiredConfig", "rendered-worker-a"}}}}},
          {"status",
           {{"nodeInfo", {{"kubeletVersion", "v1.33.2"}}},
            {"conditions",
             {{{"type", "DiskPressure"}, {"status", "False"}},
              {{"type", "Ready"}, {"status", "True"}}}}}}};
}

json NodeThatIs(const std::string& ready, const std::string& message) {
  json node = Node();
  node["status"]["conditions"][1] = {{"type", "Ready"},
                                     {"status", ready},
                                     {"lastTransitionTime", "2026-01-02T03:04:05Z"},
                                     {"message", message}};
  return node;
}

json NodeIn(const std::string& state, const std::string& desired, const std::string& reason = "") {
  json node = Node();
  node["metadata"]["annotations"][kAnnotation + "state"] = state;
  node["metadata"]["annotations"][kAnnotation + "desiredConfig"] = desired;
  node["metadata"]["annotations"][kAnnotation + "reason"] = reason;
  return node;
}

json NodeWithKubelet(const std::string& version) {
  json node = Node();
  node["status"]["nodeInfo"]["kubeletVersion"] = version;
  return node;
}

json Pool(const std::string& name) {
  return {{"metadata", {{"name", name}, {"labels", {{kPoolLabel, ""}}}}},
          {"spec", {{"nodeSelector", {{"matchLabels", {{"node-role.kubernetes.io/worker", ""}}}}}}},
          {"status", {{"conditions", {{{"type", "Degraded"}, {"status", "False"}}}}}}};
}

json KubeletConfig(const std::string& name, const json& kubelet, const json& conditions,
                   const json& selector = {{"matchLabels", {{kPoolLabel, ""}}}}) {
  return {{"metadata", {{"name", name}, {"generation", 1}}},
          {"spec", {{"machineConfigPoolSelector", selector}, {"kubeletConfig", kubelet}}},
          {"status", {{"observedGeneration", 1}, {"conditions", conditions}}}};
}

json Refused(const std::string& message) {
  return json::array({{{"type", "Failure"}, {"status", "False"}, {"message", message}}});
}

json GateOff() {
  return {{"status", {{"featureGates", {{{"disabled", {{{"name", "DevicePlugins"}}}}}}}}}};
}

// A cluster of OpenShift on which all is well.
ClusterView View() {
  ClusterView view;
  view.node_name = "w7";
  view.node = Node();
  view.pools = json::array({Pool("worker")});
  view.kubelet_configs.clear();
  view.feature_gate = json::object();
  return view;
}

std::vector<std::string> ExplainWith(const json& node) {
  ClusterView view = View();
  view.node = node;
  return ExplainMissingManager(std::move(view));
}

std::vector<std::string> ExplainWithConfigs(const std::vector<json>& configs) {
  ClusterView view = View();
  view.kubelet_configs = configs;
  return ExplainMissingManager(std::move(view));
}

TEST(MissingManagerTest, WithoutAReasonItSaysWhereToLook) {
  EXPECT_THAT(ExplainMissingManager(View()), ElementsAre(kNoReason));
  // Not OpenShift.
  ClusterView plain;
  plain.node_name = "w7";
  plain.node = {{"status", {{"conditions", {{{"type", "Ready"}, {"status", "True"}}}}}}};
  EXPECT_THAT(ExplainMissingManager(plain), ElementsAre(kNoReason));
  // Nothing may be read.
  plain.node = nullptr;
  EXPECT_THAT(ExplainMissingManager(plain), ElementsAre(kNoReason));
}

TEST(MissingManagerTest, ANodeThatIsUpdatedIsNamedWithBothConfigurations) {
  EXPECT_THAT(
      ExplainWith(NodeIn("Working", "rendered-worker-b")),
      ElementsAre("node w7 is being updated by the machine-config-operator (state Working), "
                  "from rendered-worker-a to rendered-worker-b: the kubelet comes back when "
                  "that is done"));
  EXPECT_THAT(ExplainWith(NodeIn("Rebooting", "rendered-worker-a")),
              ElementsAre("node w7 is being updated by the machine-config-operator (state "
                          "Rebooting): the kubelet comes back when that is done"));
}

TEST(MissingManagerTest, AnUpdateThatFailedIsNamedWithItsReason) {
  EXPECT_THAT(ExplainWith(NodeIn("Degraded", "rendered-worker-b", "disk\nfull")),
              ElementsAre("the machine-config-operator could not update node w7 (state Degraded), "
                          "from rendered-worker-a to rendered-worker-b: disk full"));
}

TEST(MissingManagerTest, AKubeletThatIsNotWellIsQuoted) {
  EXPECT_THAT(ExplainWith(NodeThatIs("False", "container runtime is down")),
              ElementsAre("node w7 is NotReady since 2026-01-02T03:04:05Z: container runtime is "
                          "down"));
  EXPECT_THAT(ExplainWith(NodeThatIs("Unknown", "Kubelet stopped posting node status.")),
              ElementsAre("the kubelet of node w7 stopped reporting, Ready is Unknown since "
                          "2026-01-02T03:04:05Z: Kubelet stopped posting node status."));
}

TEST(MissingManagerTest, AKubeletThatNeverReportedIsTold) {
  json node = Node();
  node["status"].erase("conditions");
  EXPECT_THAT(ExplainWith(node),
              ElementsAre("the kubelet has not told the API yet whether node w7 is ready; look on "
                          "the node at `journalctl -u kubelet`"));
  ClusterView unknown = View();
  unknown.has_node = false;
  unknown.node = nullptr;
  EXPECT_THAT(ExplainMissingManager(unknown),
              ElementsAre("the API knows no node w7: its kubelet has not registered it, somebody "
                          "deleted it, or --node-name is wrong; look on the node at `journalctl -u "
                          "kubelet`"));
}

TEST(MissingManagerTest, AFeatureGateThatIsOffCountsByTheAgeOfTheKubelet) {
  ClusterView view = View();
  view.feature_gate = GateOff();
  const auto with = [&](const std::string& version) {
    view.node = NodeWithKubelet(version);
    return ExplainMissingManager(view);
  };
  EXPECT_THAT(with("v1.25.4+77bec7a"),
              ElementsAre("the FeatureGate cluster disables DevicePlugins, so the kubelet, "
                          "v1.25.4+77bec7a, runs no Device Manager: take DevicePlugins out of its "
                          "spec.customNoUpgrade.disabled"));
  EXPECT_THAT(with("v1.26.0"), ElementsAre(HasSubstr("the kubelet, v1.26.0, does not start")));
  EXPECT_THAT(with("v1.27.9"), ElementsAre(HasSubstr("the kubelet, v1.27.9, does not start")));
  // Such a kubelet does not know the gate any more.
  EXPECT_THAT(with("v1.28.0"), ElementsAre(kNoReason));
  for (const char* unknown : {"", "1.25", "v1.", "v2.25", "v1.99999999999999999999"}) {
    EXPECT_THAT(with(unknown), ElementsAre(HasSubstr("a kubelet up to v1.25"))) << unknown;
  }
}

TEST(MissingManagerTest, APoolThatIsStuckComesAfterWhatTheNodeSays) {
  ClusterView view = View();
  view.pools[0]["spec"]["paused"] = true;
  view.pools[0]["status"]["conditions"] = {
      {{"type", "NodeDegraded"}, {"status", "True"}, {"message", "Node w1: disk full"}},
      {{"type", "Degraded"}, {"status", "True"}}};
  EXPECT_THAT(ExplainMissingManager(view),
              ElementsAre(kNoReason, "MachineConfigPool worker is degraded: Node w1: disk full",
                          "MachineConfigPool worker is paused: its nodes get no new configuration "
                          "before somebody sets its spec.paused to false"));
  view.node = NodeThatIs("False", "");
  EXPECT_THAT(ExplainMissingManager(view),
              ElementsAre("node w7 is NotReady since 2026-01-02T03:04:05Z",
                          StartsWith("MachineConfigPool worker is degraded"),
                          StartsWith("MachineConfigPool worker is paused")));
}

TEST(MissingManagerTest, OnlyTheNodesOwnPoolMatters) {
  ClusterView view = View();
  json other = Pool("infra");
  other["spec"] = {{"paused", true},
                   {"nodeSelector", {{"matchLabels", {{"node-role.kubernetes.io/infra", ""}}}}}};
  view.pools.push_back(other);
  EXPECT_THAT(ExplainMissingManager(view), ElementsAre(kNoReason));
}

TEST(MissingManagerTest, PoolsThatContendForTheNodeAreNamed) {
  ClusterView view = View();
  view.pools = {Pool("b"), Pool("worker"), Pool("a")};
  EXPECT_THAT(ExplainMissingManager(view),
              ElementsAre(kNoReason,
                          "the custom MachineConfigPools a, b all select node w7: the "
                          "machine-config-operator updates it by none of them until it has the "
                          "label of one only"));
  view.pools = json::array({Pool("worker")});
  view.node["metadata"].erase("labels");
  EXPECT_THAT(
      ExplainMissingManager(view),
      ElementsAre(kNoReason,
                  "no MachineConfigPool selects node w7: the machine-config-operator leaves "
                  "its kubelet alone"));
}

TEST(MissingManagerTest, AKubeletConfigThatFreezesThePoolIsQuoted) {
  EXPECT_THAT(
      ExplainWithConfigs({KubeletConfig("big", {{"maxPods", -1}}, Refused("Error: maxPods"))}),
      ElementsAre(kNoReason,
                  "KubeletConfig big, which selects MachineConfigPool worker, was refused by the "
                  "machine-config-operator: Error: maxPods; until it is corrected or deleted the "
                  "pool gets no new configuration"));
  EXPECT_THAT(ExplainWithConfigs({KubeletConfig("new", {{"maxPods", 9}}, json::array())}),
              ElementsAre(kNoReason,
                          "KubeletConfig new, which selects MachineConfigPool worker, has not been "
                          "accepted by the machine-config-operator yet; until it is accepted or "
                          "deleted the pool gets no new configuration"));
  EXPECT_THAT(
      ExplainWithConfigs({KubeletConfig("all", {{"maxPods", 9}},
                                        Refused("Error: could not find any"), json::object())}),
      ElementsAre(kNoReason,
                  "KubeletConfig all, which selects MachineConfigPool worker and every other by an "
                  "empty selector, was refused by the machine-config-operator: Error: could not "
                  "find any; until it is corrected or deleted the pool gets no new configuration"));
}

TEST(MissingManagerTest, AKubeletConfigOfThisGateIsAnswered) {
  EXPECT_THAT(
      ExplainWithConfigs({KubeletConfig("gates", {{"featureGates", {{"DevicePlugins", true}}}},
                                        Refused("Error: featureGates is not allowed"))}),
      ElementsAre(kNoReason,
                  "KubeletConfig gates, which selects MachineConfigPool worker, was refused by the "
                  "machine-config-operator: Error: featureGates is not allowed; the Device Manager "
                  "needs no featureGates, take them out; until it is corrected or deleted the pool "
                  "gets no new configuration"));
  EXPECT_THAT(ExplainWithConfigs({KubeletConfig(
                  "devicemgr", {{"feature-gates", {"DevicePlugins=true"}}},
                  {{{"type", "Success"}, {"status", "True"}, {"message", "Success"}}})}),
              ElementsAre(kNoReason,
                          "KubeletConfig devicemgr sets feature-gates, which no kubelet of this "
                          "cluster reads: it does not enable the Device Manager"));
}

TEST(MissingManagerTest, AKubeletConfigOfAnotherPoolIsNot) {
  EXPECT_THAT(
      ExplainWithConfigs(
          {KubeletConfig("big", {}, Refused("no"), {{"matchLabels", {{"pool", "infra"}}}}),
           KubeletConfig("none", {}, Refused("no"), nullptr),
           KubeletConfig("good", {{"maxPods", 9}}, {{{"type", "Success"}, {"status", "True"}}})}),
      ElementsAre(kNoReason));
}

std::size_t SizeOf(const std::vector<std::string>& findings) {
  return std::accumulate(
      findings.begin(), findings.end(), std::size_t{0},
      [](std::size_t sum, const std::string& text) { return sum + text.size(); });
}

TEST(MissingManagerTest, IsBoundedHoweverMuchTheApiSays) {
  std::vector<json> configs;
  for (int i = 0; i < 100; ++i) {
    configs.push_back(KubeletConfig(absl::StrCat("c", i), {}, Refused(std::string(9000, 'm'))));
  }
  const std::vector<std::string> findings = ExplainWithConfigs(configs);
  EXPECT_LE(findings.size(), kMaxFindings);
  EXPECT_LE(SizeOf(findings), kMaxExplanation);
  EXPECT_EQ(findings.back(), absl::StrCat("and ", 101 - (findings.size() - 1), " more"));
  EXPECT_THAT(findings[1], AllOf(HasSubstr("mmm...; until it is corrected"), SizeIs(471)));

  configs.clear();
  for (int i = 0; i < 100; ++i) configs.push_back(KubeletConfig("c", {}, Refused("")));
  EXPECT_THAT(ExplainWithConfigs(configs),
              AllOf(SizeIs(kMaxFindings), testing::Contains("and 94 more")));
}

TEST(MissingManagerTest, NoNameOrMessageBreaksALine) {
  ClusterView view = View();
  const std::string evil = "a\nb\x1B[2J\xC2\x9B" + std::string(5000, 'x');
  view.node_name = evil;
  view.node = NodeThatIs("False", evil);
  view.node["metadata"]["annotations"] = {{kAnnotation + "state", evil},
                                          {kAnnotation + "currentConfig", evil},
                                          {kAnnotation + "desiredConfig", evil + "y"}};
  view.pools = {Pool(evil), Pool(evil + "y")};
  const std::vector<std::string> findings = ExplainMissingManager(view);
  EXPECT_LE(SizeOf(findings), kMaxExplanation);
  EXPECT_THAT(findings, SizeIs(testing::Ge(2u)));
  for (const std::string& finding : findings) EXPECT_EQ(OneLine(finding, 4096), finding);
}

TEST(MissingManagerTest, AnyJsonGivesAnAnswer) {
  for (const char* text : {"7", "\"x\"", "[]", "[7, null, {}]", "{}", R"({"metadata": 7})",
                           R"({"status": {"conditions": {}}})"}) {
    ClusterView view;
    view.node_name = "w7";
    view.node = view.pools = view.kubelet_configs = view.feature_gate = json::parse(text);
    EXPECT_THAT(ExplainMissingManager(view), Each(HasSubstr("w7"))) << text;
  }
}

}  // namespace
}  // namespace nodedevice
