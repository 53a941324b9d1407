#include "lib/mco/machine_config_pool.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace nodedevice {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

json Pool(const std::string& name, const json& selector) {
  return {{"metadata", {{"name", name}}}, {"spec", {{"nodeSelector", selector}}}};
}

// A pool of the nodes that have a role.
json PoolOf(const std::string& role) {
  return Pool(role, {{"matchLabels", {{"node-role.kubernetes.io/" + role, ""}}}});
}

json NodeOf(const std::vector<std::string>& roles) {
  json labels = {{"kubernetes.io/os", "linux"}};
  for (const std::string& role : roles) labels["node-role.kubernetes.io/" + role] = "";
  return {{"metadata", {{"labels", labels}}}};
}

json Pools() { return {PoolOf("worker"), PoolOf("master"), PoolOf("infra"), PoolOf("gpu")}; }

NodePool PoolOfRoles(const std::vector<std::string>& roles) {
  return PoolOfNode(NodeOf(roles), Pools());
}

TEST(PoolOfNodeTest, MasterBeforeACustomPoolBeforeWorker) {
  EXPECT_EQ(PoolOfRoles({"worker"}).name, "worker");
  EXPECT_EQ(PoolOfRoles({"master", "worker"}).name, "master");
  EXPECT_EQ(PoolOfRoles({"worker", "infra"}).name, "infra");
  EXPECT_EQ(PoolOfRoles({"infra"}).name, "infra");
  EXPECT_EQ(PoolOfRoles({"worker", "infra", "master"}).name, "master");
}

TEST(PoolOfNodeTest, TwoCustomPoolsAreNone) {
  const NodePool none = {.name = "", .rivals = {"gpu", "infra"}};
  EXPECT_EQ(PoolOfRoles({"worker", "infra", "gpu"}), none);
  EXPECT_EQ(PoolOfRoles({"master", "infra", "gpu"}), none);
}

TEST(PoolOfNodeTest, ANodeWithoutAPoolBelongsToNone) {
  EXPECT_EQ(PoolOfRoles({"storage"}), NodePool());
  EXPECT_EQ(PoolOfNode(NodeOf({"worker"}), json::array()), NodePool());
}

TEST(PoolOfNodeTest, AWindowsNodeBelongsToNone) {
  json node = NodeOf({"worker"});
  node["metadata"]["labels"]["kubernetes.io/os"] = "windows";
  EXPECT_EQ(PoolOfNode(node, Pools()), NodePool());
  // A kubelet that does not say its system is taken for Linux.
  node["metadata"]["labels"].erase("kubernetes.io/os");
  EXPECT_EQ(PoolOfNode(node, Pools()).name, "worker");
}

TEST(PoolOfNodeTest, APoolWithoutANodeSelectorHasNoNodes) {
  const json pools = {Pool("a", json::object()), Pool("b", nullptr), PoolOf("worker")};
  EXPECT_EQ(PoolOfNode(NodeOf({"worker"}), pools).name, "worker");
}

TEST(PoolOfNodeTest, AnyJsonGivesAnAnswer) {
  const json odd = json::parse(R"([null, 7, "worker", [], {}, {"metadata": {"name": 7}},
      {"metadata": {"name": "x"}, "spec": []}, {"spec": {"nodeSelector": {"matchLabels": {}}}}])");
  EXPECT_EQ(PoolOfNode(NodeOf({"worker"}), odd), NodePool());
  EXPECT_EQ(PoolOfNode(odd, Pools()), NodePool());
  EXPECT_EQ(PoolOfNode(nullptr, {{"items", Pools()}}), NodePool());
}

json PoolWith(const std::string& conditions) {
  return {{"status", {{"conditions", json::parse(conditions)}}}};
}

TEST(DegradationTest, IsTheWordsOfTheDegradedParts) {
  EXPECT_THAT(DegradationOf(PoolWith(R"([
      {"type": "Updated", "status": "False", "message": "no"},
      {"type": "RenderDegraded", "status": "False", "message": "old"},
      {"type": "NodeDegraded", "status": "True", "reason": "1 nodes are reporting degraded status",
       "message": "Node w7 is reporting: \"disk full\""},
      {"type": "ImageBuildDegraded", "status": "True", "reason": "BuildFailed"},
      {"type": "Degraded", "status": "True", "message": ""}])")),
              ElementsAre("Node w7 is reporting: \"disk full\"", "BuildFailed"));
}

TEST(DegradationTest, IsSaidOnce) {
  EXPECT_THAT(DegradationOf(PoolWith(R"([
      {"type": "RenderDegraded", "status": "True", "message": "no base image"},
      {"type": "Degraded", "status": "True", "message": "no base image"}])")),
              ElementsAre("no base image"));
}

TEST(DegradationTest, MayHaveNoWords) {
  EXPECT_THAT(DegradationOf(PoolWith(R"([{"type": "Degraded", "status": "True"}])")),
              ElementsAre("it does not say why"));
}

TEST(DegradationTest, IsNoneOfAHealthyPoolNorOfOddJson) {
  EXPECT_THAT(DegradationOf(PoolWith(R"([{"type": "Degraded", "status": "False"}])")), IsEmpty());
  EXPECT_THAT(DegradationOf(PoolWith(R"([7, null, {"type": 7}, {"status": "True"}])")), IsEmpty());
  EXPECT_THAT(DegradationOf(PoolWith("{}")), IsEmpty());
  EXPECT_THAT(DegradationOf(nullptr), IsEmpty());
}

TEST(IsPausedTest, OnlyByTheWordOfTheSpec) {
  EXPECT_TRUE(IsPaused({{"spec", {{"paused", true}}}}));
  EXPECT_FALSE(IsPaused({{"spec", {{"paused", false}}}}));
  EXPECT_FALSE(IsPaused({{"spec", {{"paused", "true"}}}}));
  EXPECT_FALSE(IsPaused(json::object()));
  EXPECT_FALSE(IsPaused(7));
}

}  // namespace
}  // namespace nodedevice
