// Topology Manager policies, seen through the real program.

#include <thread>

#include "gmock/gmock.h"
#include "tests/integration/device_manager/command_line.h"
#include "tests/support/wait_for.h"

namespace nodedevice::testing {
namespace {

using ::testing::HasSubstr;
using Json = nlohmann::json;

class TopologyTest : public CommandLineTest {
 protected:
  // A plugin whose devices are on these NUMA nodes.
  void StartPluginOn(const std::map<std::string, std::vector<int>>& devices) {
    std::vector<std::string> ids;
    std::vector<v1beta1::Device> listed;
    for (const auto& [id, nodes] : devices) {
      ids.push_back(id);
      v1beta1::Device& device = listed.emplace_back();
      device.set_id(id);
      device.set_health("Healthy");
      for (const int node : nodes) device.mutable_topology()->add_nodes()->set_id(node);
    }
    // The first list has no topology. An empty one tells the two apart.
    StartPlugin("a.sock", {});
    plugin_->SetDevices(listed);
    const Outcome waited = Run({"status", "--timeout", "60", "--wait",
                                std::string(kResource) + "=" + std::to_string(ids.size())});
    ASSERT_EQ(waited.exit_code, 0) << waited.output;
  }

  Json Admit(const std::string& name, int count) { return AdmitFile(PodFile(name, count)); }

  Json AdmitFile(const std::string& file) {
    const Outcome outcome = Run({"admit", file});
    const Json admission = Json::parse(outcome.output, nullptr, false);
    EXPECT_TRUE(admission.is_object()) << outcome.output;
    EXPECT_EQ(outcome.exit_code == 0, admission.value("admitted", false)) << outcome.output;
    return admission;
  }

  static Json DevicesOf(const Json& admission, std::size_t container = 0) {
    return admission["containers"][container]["devices"][kResource];
  }
};

TEST_F(TopologyTest, AContainersDevicesComeFromOneNode) {
  StartServing({"--topology-manager-policy", "single-numa-node", "--numa-nodes", "0,1"});
  StartPluginOn({{"a", {0}}, {"b", {1}}, {"c", {1}}});
  const Json admission = Admit("p", 2);
  EXPECT_EQ(DevicesOf(admission), Json({"b", "c"}));
  EXPECT_EQ(admission["containers"][0]["numaNodes"], Json::array({1}));
}

TEST_F(TopologyTest, WithoutAPolicyTheyDoNot) {
  StartServing({"--numa-nodes", "0,1"});
  StartPluginOn({{"a", {0}}, {"b", {1}}, {"c", {1}}});
  const Json admission = Admit("p", 2);
  EXPECT_EQ(DevicesOf(admission), Json({"a", "b"}));
  EXPECT_FALSE(admission["containers"][0].contains("numaNodes"));
}

TEST_F(TopologyTest, WhatDoesNotFitIsRejectedWithTheKubeletsWords) {
  StartServing({"--topology-manager-policy", "restricted", "--numa-nodes", "0,1"});
  StartPluginOn({{"a", {0}}, {"b", {0}}, {"c", {1}}, {"d", {1}}});
  ASSERT_TRUE(Admit("p", 1)["admitted"]);
  ASSERT_TRUE(Admit("q", 2)["admitted"]) << "on the other node";
  const Json rejected = Admit("r", 2);
  EXPECT_EQ(rejected["reason"], "TopologyAffinityError");
  EXPECT_EQ(rejected["message"],
            "Pod was rejected: Resources cannot be allocated with Topology locality");
  EXPECT_EQ(Status()["resources"][0]["allocated"], 3) << "a rejected pod holds nothing";
  EXPECT_EQ(plugin_->allocations().size(), 2u);

  EXPECT_TRUE(Admit("s", 1)["admitted"]);
}

TEST_F(TopologyTest, BestEffortTakesWhatIsThere) {
  StartServing({"--topology-manager-policy", "best-effort", "--numa-nodes", "0-1"});
  StartPluginOn({{"a", {0}}, {"b", {1}}, {"c", {}}});
  const Json admission = Admit("p", 2);
  EXPECT_EQ(DevicesOf(admission), Json({"a", "b"}));
  EXPECT_EQ(admission["containers"][0]["numaNodes"], Json({0, 1}));
}

TEST_F(TopologyTest, ContainersOfAPodAreAlignedWithEachOtherInTheScopePod) {
  const std::string pod = dir_.Write("two.yaml", R"(
apiVersion: v1
kind: Pod
metadata: {name: two}
spec:
  containers:
  - {name: one, resources: {limits: {example.com/a: 1}}}
  - {name: two, resources: {limits: {example.com/a: 1}}}
)");
  StartServing({"--topology-manager-policy", "restricted", "--topology-manager-scope", "pod",
                "--numa-nodes", "0,1"});
  StartPluginOn({{"a", {0}}, {"b", {1}}, {"c", {1}}});
  const Json admission = AdmitFile(pod);
  EXPECT_EQ(DevicesOf(admission, 0), Json::array({"b"}));
  EXPECT_EQ(DevicesOf(admission, 1), Json::array({"c"}));
}

TEST_F(TopologyTest, TheMachinesOwnNodesAreReadBelowTheHostRoot) {
  const TempDir host;
  for (const char* node : {"node0", "node1"}) {
    host.Write(std::string("sys/devices/system/node/") + node + "/cpulist", "0\n");
  }
  StartServing({"--topology-manager-policy", "best-effort", "--host-root", host.path()});
  StartPluginOn({{"a", {}}});
  EXPECT_EQ(Admit("p", 1)["containers"][0]["numaNodes"], Json({0, 1}));
}

TEST_F(TopologyTest, WrongOptionsAreNamed) {
  const auto refusal = [&](std::vector<std::string> options) {
    options.insert(options.begin(), "serve");
    const Outcome outcome = Run(std::move(options));
    EXPECT_EQ(outcome.exit_code, 1);
    return outcome.output;
  };
  EXPECT_THAT(refusal({"--topology-manager-policy", "strict"}),
              HasSubstr("--topology-manager-policy: 'strict' is none of none, best-effort"));
  EXPECT_THAT(refusal({"--topology-manager-scope", "node"}),
              HasSubstr("--topology-manager-scope: 'node'"));
  EXPECT_THAT(refusal({"--numa-nodes", "0,x"}), HasSubstr("--numa-nodes: 'x'"));
  EXPECT_THAT(refusal({"--topology-manager-policy", "restricted", "--numa-nodes", "0-8"}),
              HasSubstr("unsupported on machines with more than 8 NUMA Nodes"));
}

}  // namespace
}  // namespace nodedevice::testing
