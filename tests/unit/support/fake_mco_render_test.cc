// What pools are to have: rendering, what freezes it, and which KubeletConfig wins.

#include <gmock/gmock.h>

#include "tests/unit/support/fake_mco_fixture.h"

namespace nodedevice::testing {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::MatchesRegex;
using ::testing::Not;

const nlohmann::json kRefusedBody = {{"featureGates", {{"DevicePlugins", true}}}};
const nlohmann::json kDocumentedBody = {{"feature-gates", {"DevicePlugins=true"}}};

class FakeMcoRenderTest : public FakeMcoTest {
 protected:
  bool HasSource(const std::string& pool, const std::string& name) const {
    const std::vector<std::string> sources = SourcesOf(pool);
    return std::ranges::find(sources, name) != sources.end();
  }
};

TEST_F(FakeMcoRenderTest, ANewClusterHasPoolsWithTheirOwnLabelsAndARenderedConfiguration) {
  EXPECT_THAT(RenderedFor("worker"), MatchesRegex("rendered-worker-[0-9a-f]{32}"));
  EXPECT_THAT(RenderedFor("master"), MatchesRegex("rendered-master-[0-9a-f]{32}"));
  EXPECT_TRUE(Pool("worker")["metadata"]["labels"].contains(kWorkerLabel));
  EXPECT_THAT(SourcesOf("worker"),
              ElementsAre("00-worker", "01-worker-kubelet", "98-worker-generated-kubelet"));
  EXPECT_EQ(MachineConfig(RenderedFor("worker"))["metadata"]["ownerReferences"][0]["name"],
            "worker");
  EXPECT_EQ(NodeSays("n1", mco::kCurrentConfig), RenderedFor("worker"));
  EXPECT_EQ(NodeSays("n1", mco::kState), "Done");
}

TEST_F(FakeMcoRenderTest, ARealChangeIsRenderedAfterTheDelay) {
  const std::string before = RenderedFor("worker");
  AddKubeletConfig("k", {{"maxPods", 300}});
  Pass(std::chrono::milliseconds(4900));
  EXPECT_EQ(RenderedFor("worker"), before);
  Pass(std::chrono::milliseconds(200));
  EXPECT_NE(RenderedFor("worker"), before);
  EXPECT_EQ(KubeletField("worker", "maxPods"), 300);
  EXPECT_EQ(KubeletField("worker", "podPidsLimit"), 4096);
}

TEST_F(FakeMcoRenderTest, ANoOpOnlyAddsASource) {
  const std::string before = RenderedFor("worker");
  const int generation = Pool("worker")["metadata"]["generation"];
  AddKubeletConfig("devicemgr", kDocumentedBody);
  Pass(minutes(1));
  EXPECT_EQ(RenderedFor("worker"), before);
  EXPECT_TRUE(HasSource("worker", "99-worker-generated-kubelet"));
  EXPECT_EQ(Pool("worker")["metadata"]["generation"], generation + 1);
  EXPECT_TRUE(updates_.empty());
  EXPECT_EQ(Pool("worker")["status"]["configuration"], Pool("worker")["spec"]["configuration"]);
}

TEST_F(FakeMcoRenderTest, DeletionGoesBackToTheNameOfBefore) {
  const std::string before = RenderedFor("worker");
  AddKubeletConfig("k", {{"maxPods", 300}});
  Pass(minutes(1));
  api_.Delete(KubeletConfigPath("k"));
  Pass(minutes(1));
  EXPECT_EQ(RenderedFor("worker"), before);
  EXPECT_FALSE(HasSource("worker", "99-worker-generated-kubelet"));
  EXPECT_EQ(NodeSays("n1", mco::kCurrentConfig), before);
}

TEST_F(FakeMcoRenderTest, ARefusedOneFreezesItsPoolSilentlyAndNoOther) {
  AddInfraPool();
  Pass(minutes(1));
  AddKubeletConfig("bad", kRefusedBody);
  Pass(seconds(6));
  AddMachineConfig("50-w");
  AddMachineConfig("50-m", "master");
  Pass(seconds(77));
  EXPECT_FALSE(HasSource("worker", "50-w"));
  EXPECT_TRUE(HasSource("master", "50-m"));
  EXPECT_TRUE(HasSource("infra", "50-w"));  // it does not carry the label
  EXPECT_EQ(PoolSays("worker", "Updated"), "True");
  EXPECT_EQ(PoolSays("worker", "Updating"), "False");
  EXPECT_EQ(PoolSays("worker", "RenderDegraded"), "False");
  EXPECT_EQ(PoolSays("worker", "Degraded"), "False");
  EXPECT_EQ(TextAt(PoolCondition("worker", "Updated"), "/message"),
            "All nodes are updated with MachineConfig " + RenderedFor("worker"));
}

TEST_F(FakeMcoRenderTest, AThawComesWithTheNextRetryOnly) {
  AddKubeletConfig("bad", kRefusedBody);
  AddMachineConfig("50-w");
  // The first try, after 5 s, fails; then 5 ms, 10 ms ... and at 5 s + 10.235 s the next.
  Pass(seconds(11));
  api_.Delete(KubeletConfigPath("bad"));
  Pass(seconds(4));
  EXPECT_FALSE(HasSource("worker", "50-w"));
  Pass(seconds(1));
  EXPECT_TRUE(HasSource("worker", "50-w"));
}

TEST_F(FakeMcoRenderTest, RetriesBeginAnewAfterAThaw) {
  AddKubeletConfig("bad", kRefusedBody);
  AddMachineConfig("50-w");
  Pass(minutes(5));  // retries are minutes apart by now
  api_.Delete(KubeletConfigPath("bad"));
  Pass(minutes(10));
  ASSERT_TRUE(HasSource("worker", "50-w"));
  AddKubeletConfig("bad", kRefusedBody);
  AddMachineConfig("51-w");
  Pass(seconds(6));
  api_.Delete(KubeletConfigPath("bad"));
  Pass(seconds(2));
  EXPECT_TRUE(HasSource("worker", "51-w"));
}

TEST_F(FakeMcoRenderTest, TakingTheLabelOffThePoolThawsItAfterTheDelay) {
  Label(PoolPath("worker"), "example.com/pool", "x");
  AddKubeletConfig("bad", kRefusedBody, {{"matchLabels", {{"example.com/pool", "x"}}}});
  AddMachineConfig("50-w");
  Pass(minutes(10));  // retries are a minute apart by now
  Label(PoolPath("worker"), "example.com/pool", nullptr);
  Pass(seconds(5));
  EXPECT_TRUE(HasSource("worker", "50-w"));
}

TEST_F(FakeMcoRenderTest, AnEmptySelectorIsForNoPoolAndFreezesAll) {
  AddKubeletConfig("all", {{"maxPods", 300}}, Json::object());
  AddMachineConfig("50-w");
  AddMachineConfig("50-m", "master");
  Pass(minutes(1));
  EXPECT_EQ(LastMessage("all"), kNoPool);
  EXPECT_FALSE(HasSource("worker", "50-w"));
  EXPECT_FALSE(HasSource("master", "50-m"));
  api_.Delete(KubeletConfigPath("all"));
  Pass(minutes(1));
  EXPECT_TRUE(HasSource("worker", "50-w"));
  EXPECT_TRUE(HasSource("master", "50-m"));
}

TEST_F(FakeMcoRenderTest, WithoutASelectorNothingIsFrozen) {
  AddKubeletConfig("none", {{"maxPods", 300}}, nullptr);
  AddMachineConfig("50-w");
  Pass(seconds(10));
  EXPECT_EQ(LastMessage("none"), kNoPool);
  EXPECT_TRUE(HasSource("worker", "50-w"));
}

TEST_F(FakeMcoRenderTest, OneThatFindsNoPoolFreezesItFromItsLabelToTheRetry) {
  AddKubeletConfig("devicemgr", kDocumentedBody, {{"matchLabels", {{"example.com/pool", "x"}}}});
  Pass(minutes(5));
  AddMachineConfig("50-w");
  Pass(seconds(6));
  EXPECT_TRUE(HasSource("worker", "50-w"));
  Label(PoolPath("worker"), "example.com/pool", "x");
  AddMachineConfig("51-w");
  Pass(seconds(6));
  EXPECT_FALSE(HasSource("worker", "51-w"));
  Pass(minutes(10));
  EXPECT_EQ(LastMessage("devicemgr"), "Success");
  EXPECT_TRUE(HasSource("worker", "51-w"));
}

TEST_F(FakeMcoRenderTest, TheNewestWinsAndDropsTheSettingsOfOthers) {
  AddKubeletConfig("zz-perf", {{"maxPods", 300}, {"podPidsLimit", 5000}});
  Pass(minutes(1));
  const std::string first = RenderedFor("worker");
  AddKubeletConfig("aa-second", {{"imageMinimumGCAge", "5m"}});
  Pass(minutes(1));
  EXPECT_EQ(KubeletField("worker", "maxPods"), 250);
  EXPECT_EQ(KubeletField("worker", "podPidsLimit"), 4096);
  EXPECT_EQ(KubeletField("worker", "imageMinimumGCAge"), "5m");
  EXPECT_EQ(LastMessage("zz-perf"), "Success");
  EXPECT_EQ(LastMessage("aa-second"), "Success");
  EXPECT_TRUE(HasSource("worker", "99-worker-generated-kubelet-1"));
  api_.Delete(KubeletConfigPath("aa-second"));
  Pass(minutes(1));
  EXPECT_EQ(RenderedFor("worker"), first);
}

TEST_F(FakeMcoRenderTest, ANoOpBesideAnotherRollsItsSettingsBack) {
  const std::string plain = RenderedFor("worker");
  AddKubeletConfig("zz-perf", {{"maxPods", 300}});
  Pass(minutes(1));
  AddKubeletConfig("devicemgr", kDocumentedBody);
  Pass(minutes(1));
  EXPECT_EQ(RenderedFor("worker"), plain);
  EXPECT_EQ(LastMessage("zz-perf"), "Success");
  EXPECT_EQ(updates_.size(), 2u);  // there and back
}

TEST_F(FakeMcoRenderTest, CustomPoolsInheritWhatWorkersGet) {
  AddInfraPool();
  AddNode("i1", "infra");
  Pass(minutes(1));
  const std::string before = RenderedFor("infra");
  AddKubeletConfig("k", {{"maxPods", 300}});
  Pass(minutes(1));
  EXPECT_NE(RenderedFor("infra"), before);
  EXPECT_EQ(KubeletField("infra", "maxPods"), 300);
  EXPECT_EQ(NodeSays("i1", mco::kCurrentConfig), RenderedFor("infra"));
  EXPECT_FALSE(Pool("infra")["metadata"].contains("labels"));
}

TEST_F(FakeMcoRenderTest, MachineConfigsAreMergedInOrderOfTheirNames) {
  const auto put = [this](const std::string& name, const Json& argument, const std::string& text) {
    Json config =
        mco::MachineConfigOf(name, "worker", {mco::IgnitionFile("/etc/modules-load.d/x", text)});
    config["spec"]["kernelArguments"] = Json::array({argument});
    config["spec"]["config"]["systemd"]["units"] = {{{"name", name + ".service"}}};
    api_.Put(std::string(mco::kMachineConfigs) + "/" + name, config);
  };
  put("60-b", "b", "last");
  put("60-a", "a", "first");
  Pass(minutes(1));
  const Json spec = MachineConfig(RenderedFor("worker"))["spec"];
  EXPECT_EQ(spec["kernelArguments"], Json({"a", "b"}));
  EXPECT_EQ(mco::TextOfFile({{"spec", spec}}, "/etc/modules-load.d/x"), "last");
  EXPECT_EQ(spec["config"]["systemd"]["units"].size(), 2u);
  EXPECT_EQ(KubeletField("worker", "maxPods"), 250);
  EXPECT_THAT(SourcesOf("worker"), Contains("60-a"));
  EXPECT_THAT(SourcesOf("master"), Not(Contains("60-a")));
}

TEST_F(FakeMcoRenderTest, AnEditedMachineConfigIsRenderedAgain) {
  AddMachineConfig("50-w");
  Pass(minutes(1));
  const std::string before = RenderedFor("worker");
  api_.Merge(std::string(mco::kMachineConfigs) + "/50-w",
             {{"spec", {{"kernelArguments", {"intel_iommu=on"}}}}});
  Pass(seconds(5));
  EXPECT_NE(RenderedFor("worker"), before);
}

TEST_F(FakeMcoRenderTest, WhatTheSystemKeepsGoesIntoTheSizingOfTheNode) {
  AddKubeletConfig("k", {{"systemReserved", {{"memory", "2Gi"}}}});
  Settle();
  const std::string sizing =
      mco::TextOfFile(MachineConfig("99-worker-generated-kubelet"), "/etc/node-sizing-enabled.env");
  EXPECT_NE(sizing.find("SYSTEM_RESERVED_MEMORY=2Gi\n"), std::string::npos) << sizing;
}

TEST_F(FakeMcoRenderTest, AnOperatorThatStartsAgainFindsNothingToDo) {
  AddKubeletConfig("k", {{"maxPods", 300}});
  Pass(minutes(1));
  mco_.ForgetWhatWasSeen();
  for (const mco::Write& write : Pass(minutes(1))) {
    // It judges every KubeletConfig again, which only moves a time.
    EXPECT_EQ(write.path, KubeletConfigPath("k") + "/status");
  }
  EXPECT_EQ(Conditions("k"), "Accepted=True Success=True");
}

}  // namespace
}  // namespace nodedevice::testing
