// How nodes follow their pool, and what the pool says of it.

#include <gmock/gmock.h>

#include "tests/support/mco/node_controller.h"
#include "tests/unit/support/fake_mco_fixture.h"

namespace nodedevice::testing {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

class FakeMcoRolloutTest : public FakeMcoTest {
 protected:
  using FakeMcoTest::FakeMcoTest;

  int Count(const std::string& field, const std::string& pool = "worker") const {
    return Pool(pool)["status"][field].get<int>();
  }
  bool IsStatusOfNewestGeneration() const {
    const Json pool = Pool("worker");
    return pool["status"]["observedGeneration"] == pool["metadata"]["generation"];
  }
  int Working() const {
    int count = 0;
    for (const Json& node : api_.In(mco::kNodes)) {
      count += mco::AnnotationOf(node, mco::kState) == "Working" ? 1 : 0;
    }
    return count;
  }
  // The largest number of nodes that worked at one time, in so long a time.
  int MostAtOnce(Duration time) {
    int most = 0;
    for (Duration passed{}; passed < time; passed += seconds(1)) {
      Pass(seconds(1));
      most = std::max(most, Working());
    }
    return most;
  }
};

TEST_F(FakeMcoRolloutTest, AChangeTakesTheTimesThatWereSeen) {
  const std::string before = RenderedFor("worker");
  AddKubeletConfig("k", {{"maxPods", 300}});
  Pass(seconds(5));
  const std::string after = RenderedFor("worker");
  ASSERT_NE(after, before);
  // Stale: neither name nor generation is of now.
  EXPECT_EQ(PoolSays("worker", "Updated"), "True");
  EXPECT_EQ(Pool("worker")["status"]["configuration"]["name"], before);
  EXPECT_FALSE(IsStatusOfNewestGeneration());
  Pass(seconds(5));
  EXPECT_EQ(PoolSays("worker", "Updated"), "False");
  EXPECT_EQ(PoolSays("worker", "Updating"), "True");
  EXPECT_EQ(TextAt(PoolCondition("worker", "Updating"), "/message"),
            "All nodes are updating to MachineConfig " + after);
  EXPECT_TRUE(IsStatusOfNewestGeneration());
  EXPECT_EQ(NodeSays("n1", mco::kDesiredConfig), after);
  EXPECT_EQ(NodeSays("n1", mco::kCurrentConfig), before);
  EXPECT_EQ(NodeSays("n1", mco::kState), "Working");
  Pass(seconds(6));
  EXPECT_EQ(NodeSays("n1", mco::kCurrentConfig), after);
  EXPECT_EQ(NodeSays("n1", mco::kState), "Done");
  Pass(seconds(5));
  EXPECT_EQ(PoolSays("worker", "Updated"), "True");
  EXPECT_EQ(PoolSays("worker", "Updating"), "False");
  EXPECT_EQ(Pool("worker")["status"]["configuration"], Pool("worker")["spec"]["configuration"]);
}

TEST_F(FakeMcoRolloutTest, APausedPoolMovesItsTargetAndNotItsNodes) {
  api_.Merge(PoolPath("worker"), {{"spec", {{"paused", true}}}});
  const std::string before = RenderedFor("worker");
  AddKubeletConfig("k", {{"maxPods", 300}});
  Pass(minutes(1));
  EXPECT_EQ(LastMessage("k"), "Success");
  const std::string after = RenderedFor("worker");
  EXPECT_NE(after, before);
  EXPECT_EQ(NodeSays("n1", mco::kDesiredConfig), before);
  EXPECT_EQ(PoolSays("worker", "Updated"), "False");
  EXPECT_EQ(PoolSays("worker", "Updating"), "False");
  EXPECT_EQ(TextAt(PoolCondition("worker", "Updating"), "/message"),
            "Pool is paused; will not update to MachineConfig " + after);
  api_.Delete(KubeletConfigPath("k"));
  Pass(minutes(1));
  api_.Merge(PoolPath("worker"), {{"spec", {{"paused", false}}}});
  Pass(minutes(1));
  EXPECT_EQ(PoolSays("worker", "Updated"), "True");
  EXPECT_TRUE(updates_.empty());  // the target is the old one again
}

TEST_F(FakeMcoRolloutTest, NodesGoOneByOneUnlessMoreMayBeAway) {
  for (const char* name : {"n2", "n3", "n4"}) AddNode(name);
  Pass(minutes(1));
  EXPECT_EQ(Count("machineCount"), 4);
  AddKubeletConfig("k", {{"maxPods", 300}});
  EXPECT_EQ(MostAtOnce(minutes(2)), 1);
  EXPECT_EQ(Count("updatedMachineCount"), 4);
  api_.Merge(PoolPath("worker"), {{"spec", {{"maxUnavailable", "50%"}}}});
  EditSpec("k", {{"maxPods", 301}});
  EXPECT_EQ(MostAtOnce(minutes(2)), 2);
  EXPECT_EQ(Count("updatedMachineCount"), 4);
}

TEST_F(FakeMcoRolloutTest, CountsTellWhereNodesAre) {
  AddNode("n2");
  Pass(minutes(1));
  AddKubeletConfig("k", {{"maxPods", 300}});
  Pass(seconds(17));  // n1 is done, and n2 not yet told
  EXPECT_EQ(NodeSays("n1", mco::kState), "Done");
  EXPECT_EQ(Count("machineCount"), 2);
  EXPECT_EQ(Count("unavailableMachineCount"), 1);  // of before n1 was done
  Pass(seconds(4));
  EXPECT_EQ(Count("updatedMachineCount"), 1);
  EXPECT_EQ(Count("readyMachineCount"), 1);
  Pass(minutes(1));
  EXPECT_EQ(Count("updatedMachineCount"), 2);
  EXPECT_EQ(Count("readyMachineCount"), 2);
  EXPECT_EQ(Count("unavailableMachineCount"), 0);
}

TEST_F(FakeMcoRolloutTest, ADegradedNodeStaysSoAndDegradesItsPool) {
  AddNode("n2");
  Pass(minutes(1));
  Annotate(NodePath("n1"), mco::kState, "Degraded");
  Annotate(NodePath("n1"), mco::kReason, "disk \"full\"");
  Pass(minutes(1));
  EXPECT_EQ(NodeSays("n1", mco::kState), "Degraded");
  EXPECT_EQ(PoolSays("worker", "Degraded"), "True");
  EXPECT_EQ(PoolSays("worker", "NodeDegraded"), "True");
  EXPECT_EQ(TextAt(PoolCondition("worker", "NodeDegraded"), "/reason"),
            "1 nodes are reporting degraded status on sync");
  EXPECT_EQ(TextAt(PoolCondition("worker", "NodeDegraded"), "/message"),
            "Node n1 is reporting: \"disk \\\"full\\\"\"");
  EXPECT_EQ(PoolSays("worker", "Updated"), "False");
  EXPECT_EQ(Count("degradedMachineCount"), 1);
  // It takes the place of the one that may be away.
  AddKubeletConfig("k", {{"maxPods", 300}});
  Pass(minutes(2));
  EXPECT_NE(NodeSays("n2", mco::kDesiredConfig), RenderedFor("worker"));
  Annotate(NodePath("n1"), mco::kState, "Done");
  Pass(minutes(2));
  EXPECT_EQ(PoolSays("worker", "Degraded"), "False");
  EXPECT_EQ(PoolSays("worker", "Updated"), "True");
}

TEST_F(FakeMcoRolloutTest, ANodeThatCannotFindItsConfigurationIsDegraded) {
  Annotate(NodePath("n1"), mco::kDesiredConfig, "rendered-worker-gone");
  Pass(minutes(1));
  EXPECT_EQ(NodeSays("n1", mco::kState), "Degraded");
  EXPECT_EQ(NodeSays("n1", mco::kReason),
            "machineconfig.machineconfiguration.openshift.io \"rendered-worker-gone\" not found");
}

TEST_F(FakeMcoRolloutTest, ANodeThatIsNotReadyHoldsOthersBack) {
  AddNode("n2");
  Pass(minutes(1));
  api_.Merge(NodePath("n2") + "/status",
             {{"status", {{"conditions", {{{"type", "Ready"}, {"status", "False"}}}}}}});
  AddKubeletConfig("k", {{"maxPods", 300}});
  Pass(minutes(1));
  EXPECT_TRUE(updates_.empty());
  EXPECT_EQ(Count("unavailableMachineCount"), 1);
  api_.Merge(NodePath("n2") + "/status",
             {{"status", {{"conditions", {{{"type", "Ready"}, {"status", "True"}}}}}}});
  Pass(minutes(1));
  EXPECT_EQ(PoolSays("worker", "Updated"), "True");
}

TEST_F(FakeMcoRolloutTest, TheTimeOfAConditionIsThatOfItsChange) {
  const std::string updated = TextAt(PoolCondition("worker", "Updated"), "/lastTransitionTime");
  AddKubeletConfig("devicemgr", {{"feature-gates", {"DevicePlugins=true"}}});
  Pass(minutes(1));
  EXPECT_EQ(TextAt(PoolCondition("worker", "Updated"), "/lastTransitionTime"), updated);
  EditSpec("devicemgr", {{"maxPods", 300}});
  Pass(minutes(1));
  EXPECT_NE(TextAt(PoolCondition("worker", "Updated"), "/lastTransitionTime"), updated);
}

TEST(PoolOfNodeTest, IsDecidedAsTheRealOneDoes) {
  using Json = nlohmann::json;
  const auto pool = [](const std::string& name) {
    return Json{
        {"metadata", {{"name", name}}},
        {"spec", {{"nodeSelector", {{"matchLabels", {{"node-role.kubernetes.io/" + name, ""}}}}}}}};
  };
  std::vector<Json> pools = {pool("infra"), pool("master"), pool("storage"), pool("worker")};
  pools.push_back({{"metadata", {{"name", "none"}}}, {"spec", {{"nodeSelector", Json::object()}}}});
  const auto node = [](const std::vector<std::string>& roles) {
    Json labels = Json::object();
    for (const std::string& role : roles) labels["node-role.kubernetes.io/" + role] = "";
    return Json{{"metadata", {{"labels", labels}}}};
  };
  EXPECT_EQ(mco::PoolOf(node({"worker"}), pools), "worker");
  EXPECT_EQ(mco::PoolOf(node({"worker", "infra"}), pools), "infra");
  EXPECT_EQ(mco::PoolOf(node({"worker", "infra", "master"}), pools), "master");
  EXPECT_EQ(mco::PoolOf(node({"infra", "storage"}), pools), "");
  EXPECT_EQ(mco::PoolOf(node({}), pools), "");
  Json windows = node({"worker"});
  windows["metadata"]["labels"]["kubernetes.io/os"] = "windows";
  EXPECT_EQ(mco::PoolOf(windows, pools), "");
}

TEST(MaxUnavailableTest, IsANumberOrAPartAndAtLeastOne) {
  const auto of = [](const nlohmann::json& wanted, const std::string& name = "worker") {
    return mco::MaxUnavailable(
        {{"metadata", {{"name", name}}}, {"spec", {{"maxUnavailable", wanted}}}}, 10);
  };
  EXPECT_EQ(of(nullptr), 1);
  EXPECT_EQ(of(3), 3);
  EXPECT_EQ(of(0), 1);
  EXPECT_EQ(of("25%"), 2);
  EXPECT_EQ(of("1%"), 1);
  EXPECT_EQ(of(3, "arbiter"), 1);
}

class FakeMcoHookTest : public FakeMcoRolloutTest {
 protected:
  FakeMcoHookTest() : FakeMcoRolloutTest({.updates_are_finished_by_others = true}) {}
};

TEST_F(FakeMcoHookTest, ANodeIsDoneWhenItsUpdateHasBeenFinished) {
  AddMachineConfig("50-w");
  Pass(minutes(5));
  EXPECT_EQ(NodeSays("n1", mco::kState), "Working");
  ASSERT_EQ(updates_.size(), 1u);
  EXPECT_EQ(updates_[0].node, "n1");
  EXPECT_EQ(mco::TextOfFile(updates_[0].machine_config, "/etc/50-w"), "50-w");
  mco_.FinishUpdate("n1", "");
  Settle();
  EXPECT_EQ(NodeSays("n1", mco::kState), "Done");
  EXPECT_EQ(NodeSays("n1", mco::kCurrentConfig), RenderedFor("worker"));
}

TEST_F(FakeMcoHookTest, AnUpdateThatFailsDegradesTheNode) {
  AddMachineConfig("50-w");
  Pass(minutes(1));
  mco_.FinishUpdate("n1", "no such module");
  Pass(minutes(1));
  EXPECT_EQ(NodeSays("n1", mco::kState), "Degraded");
  EXPECT_EQ(TextAt(PoolCondition("worker", "Degraded"), "/message"),
            "Node n1 is reporting: \"no such module\"");
}

}  // namespace
}  // namespace nodedevice::testing
