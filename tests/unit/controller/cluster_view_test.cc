#include "controller/cluster_view.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace nodedevice::testing {
namespace {

using Json = nlohmann::json;
using ::testing::Contains;
using ::testing::IsEmpty;
using ::testing::Not;

Json Named(const std::string& name, const std::string& version = "1") {
  return {{"metadata",
           {{"name", name}, {"resourceVersion", version}, {"managedFields", {{{"a", version}}}}}}};
}

void List(ClusterView& view) {
  for (const ObjectKind kind : kObjectKinds) view.SetListed(kind);
  view.SetGroups({});
}

TEST(ClusterViewTest, IsMissingEverythingUntilItIsTold) {
  ClusterView view;
  for (const ObjectKind kind : kObjectKinds) {
    EXPECT_THAT(view.Missing(), Contains(PluralOf(kind)));
    EXPECT_TRUE(view.SetListed(kind));
    EXPECT_FALSE(view.SetListed(kind));
    EXPECT_THAT(view.Missing(), Not(Contains(PluralOf(kind))));
  }
  EXPECT_TRUE(view.SetGroups({}));
  EXPECT_THAT(view.Missing(), IsEmpty());
}

TEST(ClusterViewTest, KeepsObjectsInOrderOfTheirNames) {
  ClusterView view;
  for (const char* name : {"b", "c", "a"}) {
    EXPECT_TRUE(view.Upsert(ObjectKind::kNode, Named(name)));
    EXPECT_TRUE(view.Upsert(ObjectKind::kConfig, Named(name)));
  }
  const Observed& observed = view.At({});
  ASSERT_EQ(observed.nodes.size(), 3u);
  EXPECT_EQ(observed.nodes[0].name, "a");
  EXPECT_EQ(observed.nodes[2].name, "c");
  EXPECT_EQ(observed.configs[1]["metadata"]["name"], "b");
  EXPECT_TRUE(view.Remove(ObjectKind::kNode, "b"));
  EXPECT_FALSE(view.Remove(ObjectKind::kNode, "b"));
  EXPECT_EQ(observed.nodes.size(), 2u);
}

TEST(ClusterViewTest, AVersionAloneIsNoChange) {
  ClusterView view;
  for (const ObjectKind kind : kObjectKinds) {
    EXPECT_TRUE(view.Upsert(kind, Named("a", "1")));
    EXPECT_FALSE(view.Upsert(kind, Named("a", "2"))) << PluralOf(kind);
  }
}

TEST(ClusterViewTest, KeepsWhenTheControllerWroteWhatItWritesForPools) {
  for (const ObjectKind kind :
       {ObjectKind::kPool, ObjectKind::kKubeletConfig, ObjectKind::kMachineConfig}) {
    ClusterView view;
    Json object = Named("a");
    object["metadata"]["managedFields"] = {
        {{"manager", "somebody"}},
        {{"manager", "node-device-controller"}, {"time", "2026-01-01T00:00:00Z"}}};
    view.Upsert(kind, object);
    view.SetListed(kind);
    const Observed& observed = view.observed();
    const std::optional<Json>& list = kind == ObjectKind::kPool ? observed.pools
                                      : kind == ObjectKind::kKubeletConfig
                                          ? observed.kubelet_configs
                                          : observed.machine_configs;
    ASSERT_TRUE(list) << PluralOf(kind);
    EXPECT_EQ(
        (*list)[0]["metadata"]["managedFields"],
        Json::array({{{"manager", "node-device-controller"}, {"time", "2026-01-01T00:00:00Z"}}}))
        << PluralOf(kind);
  }
}

TEST(ClusterViewTest, FindsObjectsOfANamespaceByTheirKey) {
  ClusterView view;
  EXPECT_TRUE(view.Upsert(ObjectKind::kDaemonSet, Named("a")));
  EXPECT_TRUE(view.Upsert(ObjectKind::kPod, Named("a")));
  EXPECT_TRUE(view.Remove(ObjectKind::kDaemonSet, "node-device/a"));
  EXPECT_TRUE(view.Remove(ObjectKind::kPod, "node-device/a"));
}

TEST(ClusterViewTest, KnowsNoPoolsFromPoolsThatAreNotThere) {
  ClusterView view;
  EXPECT_TRUE(view.SetAbsent(ObjectKind::kPool));
  EXPECT_FALSE(view.SetAbsent(ObjectKind::kPool));
  EXPECT_EQ(view.At({}).pools, std::nullopt);
  EXPECT_THAT(view.Missing(), Not(Contains("MachineConfigPools")));
  // OpenShift's operator is being installed.
  EXPECT_TRUE(view.Upsert(ObjectKind::kPool, Named("worker")));
  EXPECT_TRUE(view.SetListed(ObjectKind::kPool));
  ASSERT_NE(view.At({}).pools, std::nullopt);
  EXPECT_EQ(view.At({}).pools->size(), 1u);
  EXPECT_TRUE(view.SetAbsent(ObjectKind::kPool));
  EXPECT_EQ(view.At({}).pools, std::nullopt);
}

TEST(ClusterViewTest, WithoutOurOwnApiNothingIsKnown) {
  ClusterView view;
  EXPECT_FALSE(view.SetAbsent(ObjectKind::kConfig));
  EXPECT_THAT(view.Missing(), Contains("DevicePluginConfigs"));
}

TEST(ClusterViewTest, TakesSecurityContextConstraintsFromTheGroups) {
  ClusterView view;
  List(view);
  EXPECT_FALSE(view.At({}).has_scc);
  EXPECT_TRUE(view.SetGroups({"apps", "security.openshift.io"}));
  EXPECT_FALSE(view.SetGroups({"security.openshift.io"}));
  EXPECT_TRUE(view.At({}).has_scc);
}

TEST(ClusterViewTest, RemembersWhatTheApiRefuses) {
  ClusterView view;
  EXPECT_FALSE(view.SetWriteProblem("DaemonSet a/b", ""));
  EXPECT_TRUE(view.SetWriteProblem("DaemonSet a/b", "no"));
  EXPECT_FALSE(view.SetWriteProblem("DaemonSet a/b", "no"));
  EXPECT_EQ(view.At({}).write_problems.at("DaemonSet a/b"), "no");
  EXPECT_TRUE(view.SetWriteProblem("DaemonSet a/b", ""));
  EXPECT_THAT(view.At({}).write_problems, IsEmpty());
}

}  // namespace
}  // namespace nodedevice::testing
