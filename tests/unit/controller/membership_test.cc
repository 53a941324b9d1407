#include "controller/membership.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace nodedevice {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

json Pool(const std::string& name) {
  return {{"metadata", {{"name", name}, {"labels", {{"pool", name}}}}},
          {"spec", {{"nodeSelector", {{"matchLabels", {{"role/" + name, ""}}}}}}}};
}

ObservedNode Node(const std::string& name, const std::vector<std::string>& roles) {
  ObservedNode node{.name = name};
  for (const std::string& role : roles) node.labels["role/" + role] = "";
  return node;
}

Observed OpenShift() {
  Observed observed;
  observed.pools = {Pool("worker"), Pool("master"), Pool("gpu"), Pool("infra")};
  observed.nodes = {Node("w", {"worker"}), Node("g", {"worker", "gpu"}),
                    Node("x", {"worker", "gpu", "infra"}), Node("m", {"master", "worker"})};
  return observed;
}

Membership OfPool(const json& selector, const Observed& observed) {
  DevicePluginConfig config;
  config.machine_config_pool_selector = selector;
  return NodeSelection(observed).Of(config);
}

json Named(const std::string& pool) { return {{"matchLabels", {{"pool", pool}}}}; }

TEST(MembershipTest, EveryNodeIsInOnePoolAtMost) {
  const Observed observed = OpenShift();
  EXPECT_THAT(OfPool(Named("worker"), observed).groups,
              ElementsAre(NodeGroup{.pool = "worker", .nodes = {0}}));
  EXPECT_THAT(OfPool(Named("gpu"), observed).groups,
              ElementsAre(NodeGroup{.pool = "gpu", .nodes = {1}}));
  EXPECT_THAT(OfPool(Named("master"), observed).groups,
              ElementsAre(NodeGroup{.pool = "master", .nodes = {3}}));
}

TEST(MembershipTest, SaysWhichNodesSeveralPoolsClaim) {
  const Observed observed = OpenShift();
  EXPECT_THAT(OfPool(Named("gpu"), observed).disputed, ElementsAre(HasSubstr("node x")));
  EXPECT_THAT(OfPool(Named("master"), observed).disputed, IsEmpty());
}

TEST(MembershipTest, TellsApartWhyThereAreNoNodes) {
  const Observed observed = OpenShift();
  EXPECT_EQ(OfPool(nullptr, observed).refusal->reason, "NoSelector");
  EXPECT_EQ(OfPool(json::object(), observed).refusal->reason, "EmptySelector");
  EXPECT_EQ(OfPool({{"matchLabels", json::object()}}, observed).refusal->reason, "EmptySelector");
  EXPECT_EQ(OfPool(Named("worker"), Observed()).refusal->reason, "NoMachineConfigPools");
  const Membership nothing = OfPool(Named("storage"), observed);
  EXPECT_FALSE(nothing.refusal);
  EXPECT_THAT(nothing.selects_nothing, HasSubstr("gpu, infra, master, worker"));
  // Nodes may come.
  const Membership empty = OfPool(Named("infra"), observed);
  EXPECT_FALSE(empty.refusal);
  EXPECT_EQ(empty.selects_nothing, "");
  EXPECT_FALSE(empty.affinity.is_null());
}

TEST(MembershipTest, LabelsSelectNodesWithOrWithoutPools) {
  Observed observed = OpenShift();
  DevicePluginConfig config;
  config.node_selector = {{"role/gpu", ""}};
  EXPECT_THAT(NodeSelection(observed).Of(config).groups,
              ElementsAre(NodeGroup{.pool = "", .nodes = {1, 2}}));
  observed.pools.reset();
  observed.nodes[1].labels["kubernetes.io/os"] = "windows";
  EXPECT_THAT(NodeSelection(observed).Of(config).groups,
              ElementsAre(NodeGroup{.pool = "", .nodes = {2}}));
}

}  // namespace
}  // namespace nodedevice
