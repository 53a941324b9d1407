// What becomes of a KubeletConfig: when it is looked at, its status, its MachineConfig, its
// finalizers.

#include <gmock/gmock.h>

#include "tests/unit/support/fake_mco_fixture.h"

namespace nodedevice::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::ElementsAre;

const nlohmann::json kDocumentedBody = {{"feature-gates", {"DevicePlugins=true"}}};
const nlohmann::json kDocumentedSelector = {
    {"matchLabels", {{"machineconfiguration.openshift.io", "devicemgr"}}}};
constexpr char kGenerated[] = "99-worker-generated-kubelet";

class FakeMcoKubeletConfigTest : public FakeMcoTest {
 protected:
  using FakeMcoTest::FakeMcoTest;

  void AddDocumented() { AddKubeletConfig("devicemgr", kDocumentedBody, kDocumentedSelector); }
  void LabelPool() { Label(PoolPath("worker"), "machineconfiguration.openshift.io", "devicemgr"); }
  std::string LastTime(const std::string& name) const {
    return TextAt(KubeletConfig(name)["status"]["conditions"].back(), "/lastTransitionTime");
  }
};

TEST_F(FakeMcoKubeletConfigTest, TheDocumentedOneFindsNoPoolAtFirst) {
  AddDocumented();
  Settle();
  EXPECT_EQ(Conditions("devicemgr"), "Accepted=False Failure=True");
  EXPECT_EQ(LastMessage("devicemgr"), kNoPool);
  const Json config = KubeletConfig("devicemgr");
  EXPECT_EQ(config["status"]["observedGeneration"], config["metadata"]["generation"]);
  EXPECT_FALSE(config["metadata"].contains("annotations"));
  EXPECT_FALSE(config["metadata"].contains("finalizers"));
  EXPECT_TRUE(MachineConfig(kGenerated).is_null());
}

TEST_F(FakeMcoKubeletConfigTest, EachRetryRewritesTheTimeAndNothingElse) {
  AddDocumented();
  Pass(seconds(3));
  const std::string before = LastTime("devicemgr");
  Pass(seconds(10));
  EXPECT_NE(LastTime("devicemgr"), before);
  EXPECT_EQ(Conditions("devicemgr"), "Accepted=False Failure=True");
}

TEST_F(FakeMcoKubeletConfigTest, RetriesComeTwiceAsLateEachTimeAndLaterOnceAMinute) {
  AddDocumented();
  std::vector<Duration> waits;
  for (int i = 0; i < 20; ++i) {
    Settle();
    waits.push_back(*look_again_at_ - now_);
    now_ = *look_again_at_;
  }
  EXPECT_EQ(waits[0], milliseconds(5));
  EXPECT_EQ(waits[1], milliseconds(10));
  EXPECT_EQ(waits[11], milliseconds(10240));
  EXPECT_EQ(waits[12], milliseconds(20480));
  EXPECT_EQ(waits[18], minutes(1));
  EXPECT_EQ(waits[19], minutes(1));
}

TEST_F(FakeMcoKubeletConfigTest, APoolThatGetsItsLabelLaterIsSeenAtTheNextRetryOnly) {
  AddDocumented();
  Pass(seconds(30));  // the next retry is at 40.955 s
  LabelPool();
  Pass(seconds(10));
  EXPECT_EQ(LastMessage("devicemgr"), kNoPool);
  Pass(seconds(1));
  EXPECT_EQ(LastMessage("devicemgr"), "Success");
}

TEST_F(FakeMcoKubeletConfigTest, AnEditOfTheSpecIsSeenAtOnceAndOneOfTheLabelsIsNot) {
  AddDocumented();
  Pass(seconds(30));
  LabelPool();
  Label(KubeletConfigPath("devicemgr"), "example.com/x", "y");
  Settle();
  EXPECT_EQ(LastMessage("devicemgr"), kNoPool);
  EditSpec("devicemgr", {{"maxPods", 10}});
  Settle();
  EXPECT_EQ(LastMessage("devicemgr"), "Success");
}

TEST_F(FakeMcoKubeletConfigTest, AcceptanceWritesInTheOrderThatWasSeen) {
  AddKubeletConfig("devicemgr", kDocumentedBody);
  const mco::Writes writes = Settle();
  ASSERT_EQ(writes.size(), 4u);
  EXPECT_EQ(writes[0].body["metadata"]["annotations"],
            Json({{"machineconfiguration.openshift.io/mc-name-suffix", ""}}));
  EXPECT_EQ(writes[1].path, mco::kMachineConfigs);
  EXPECT_EQ(mco::NameOf(writes[1].body), kGenerated);
  EXPECT_EQ(writes[2].body["metadata"]["finalizers"], Json({kGenerated}));
  EXPECT_EQ(writes[3].path, KubeletConfigPath("devicemgr") + "/status");
}

TEST_F(FakeMcoKubeletConfigTest, TheMachineConfigIsOwnedAndForTheRole) {
  AddKubeletConfig("devicemgr", kDocumentedBody);
  Settle();
  const Json generated = MachineConfig(kGenerated);
  EXPECT_EQ(generated["metadata"]["labels"], Json({{mco::kRoleLabel, "worker"}}));
  const Json owner = generated["metadata"]["ownerReferences"][0];
  EXPECT_EQ(owner["kind"], "KubeletConfig");
  EXPECT_EQ(owner["name"], "devicemgr");
  EXPECT_EQ(owner["uid"], KubeletConfig("devicemgr")["metadata"]["uid"]);
  EXPECT_EQ(owner["controller"], true);
  EXPECT_FALSE(generated["metadata"].contains("finalizers"));
  // The key that no kubelet knows has vanished.
  EXPECT_EQ(generated["spec"], MachineConfig("98-worker-generated-kubelet")["spec"]);
}

TEST_F(FakeMcoKubeletConfigTest, TheHistoryKeepsThreeConditionsOfWhichTheLastCounts) {
  AddDocumented();
  Pass(seconds(1));
  LabelPool();
  Pass(seconds(2));
  EXPECT_EQ(Conditions("devicemgr"), "Accepted=False Accepted=True Success=True");
  EditSpec("devicemgr", {{"clusterDomain", "x"}});
  Settle();
  EXPECT_EQ(Conditions("devicemgr"), "Accepted=True Accepted=False Failure=True");
}

TEST_F(FakeMcoKubeletConfigTest, ARefusedOneIsNotRetriedAndKeepsWhatItHad) {
  AddKubeletConfig("devicemgr", {{"maxPods", 300}});
  Pass(minutes(1));
  const Json before = MachineConfig(kGenerated);
  EditSpec("devicemgr", {{"featureGates", {{"DevicePlugins", true}}}});
  Pass(seconds(30));
  EXPECT_EQ(LastMessage("devicemgr"),
            "Error: KubeletConfiguration: featureGates is not allowed to be set, but contains: "
            "map[DevicePlugins:true]");
  EXPECT_EQ(MachineConfig(kGenerated), before);
  EXPECT_EQ(KubeletConfig("devicemgr")["metadata"]["finalizers"], Json({kGenerated}));
  const std::string time = LastTime("devicemgr");
  Pass(minutes(10));
  EXPECT_EQ(LastTime("devicemgr"), time);
}

TEST_F(FakeMcoKubeletConfigTest, TheFirstAcceptanceReplacesAllAnnotationsAndLaterOnesSurvive) {
  AddKubeletConfig("devicemgr", kDocumentedBody);
  Annotate(KubeletConfigPath("devicemgr"), "example.com/note", "x");
  Annotate(KubeletConfigPath("devicemgr"), "machineconfiguration.openshift.io/other", "x");
  Settle();
  EXPECT_EQ(KubeletConfig("devicemgr")["metadata"]["annotations"],
            Json({{mco::kSuffixAnnotation, ""}}));
  Annotate(KubeletConfigPath("devicemgr"), "example.com/note", "x");
  EditSpec("devicemgr", {{"maxPods", 10}});
  Settle();
  EXPECT_EQ(KubeletConfig("devicemgr")["metadata"]["annotations"],
            Json({{mco::kSuffixAnnotation, ""}, {"example.com/note", "x"}}));
}

TEST_F(FakeMcoKubeletConfigTest, AFinalizerOfOthersIsClearedAtEachAcceptance) {
  AddKubeletConfig("devicemgr", kDocumentedBody);
  const auto add = [this](const Json& finalizers) {
    api_.Merge(KubeletConfigPath("devicemgr"), {{"metadata", {{"finalizers", finalizers}}}});
  };
  add({"example.com/teardown"});
  Settle();
  EXPECT_EQ(KubeletConfig("devicemgr")["metadata"]["finalizers"], Json({kGenerated}));
  add({kGenerated, "example.com/teardown"});
  Settle();
  EXPECT_EQ(KubeletConfig("devicemgr")["metadata"]["finalizers"].size(), 2u);
  EditSpec("devicemgr", {{"maxPods", 10}});
  Settle();
  EXPECT_EQ(KubeletConfig("devicemgr")["metadata"]["finalizers"], Json({kGenerated}));
}

TEST_F(FakeMcoKubeletConfigTest, DeletionTakesTheFirstFinalizerWhosesoeverItIs) {
  AddKubeletConfig("devicemgr", kDocumentedBody);
  api_.Merge(KubeletConfigPath("devicemgr"),
             {{"metadata", {{"finalizers", {"example.com/kubelet-teardown"}}}}});
  Settle();
  api_.Delete(KubeletConfigPath("devicemgr"));
  std::vector<std::string> what;
  for (const mco::Write& write : Settle()) {
    what.push_back(write.kind == mco::Write::Kind::kDelete
                       ? "delete"
                       : write.body["metadata"]["finalizers"].dump());
  }
  EXPECT_THAT(what, ElementsAre("[\"99-worker-generated-kubelet\"]", "delete", "[]"));
  EXPECT_TRUE(KubeletConfig("devicemgr").is_null());
  EXPECT_TRUE(MachineConfig(kGenerated).is_null());
}

TEST_F(FakeMcoKubeletConfigTest, UnlabellingThePoolLeavesEverythingInForce) {
  AddDocumented();
  LabelPool();
  EditSpec("devicemgr", {{"maxPods", 300}});
  Pass(minutes(1));
  const std::string rendered = RenderedFor("worker");
  Label(PoolPath("worker"), "machineconfiguration.openshift.io", nullptr);
  Pass(minutes(1));
  EXPECT_EQ(LastMessage("devicemgr"), "Success");
  EXPECT_EQ(RenderedFor("worker"), rendered);
  EditSpec("devicemgr", {{"maxPods", 400}});
  Pass(minutes(1));
  EXPECT_EQ(LastMessage("devicemgr"), kNoPool);
  EXPECT_EQ(RenderedFor("worker"), rendered);
}

TEST_F(FakeMcoKubeletConfigTest, OneForTwoPoolsGetsAMachineConfigForEach) {
  AddKubeletConfig(
      "both", {{"maxPods", 300}},
      {{"matchExpressions",
        {{{"key", "machineconfiguration.openshift.io/mco-built-in"}, {"operator", "Exists"}}}}});
  Settle();
  EXPECT_EQ(KubeletConfig("both")["metadata"]["finalizers"],
            Json({"99-master-generated-kubelet", kGenerated}));
  api_.Delete(KubeletConfigPath("both"));
  Settle();
  EXPECT_TRUE(KubeletConfig("both").is_null());
  EXPECT_TRUE(MachineConfig("99-master-generated-kubelet").is_null());
}

TEST_F(FakeMcoKubeletConfigTest, TheEleventhOnAPoolIsTooMany) {
  for (int i = 0; i < 10; ++i) {
    AddKubeletConfig("k" + std::to_string(i), {{"maxPods", 300 + i}});
    Settle();
  }
  EXPECT_EQ(LastMessage("k9"), "Success");
  EXPECT_FALSE(MachineConfig("99-worker-generated-kubelet-9").is_null());
  AddKubeletConfig("k10", {{"maxPods", 310}});
  Pass(minutes(1));
  EXPECT_EQ(LastMessage("k10"),
            "could not get kubelet config key: max number of supported kubelet config (10) has "
            "been reached. Please delete old kubelet configs before retrying");
  EXPECT_FALSE(KubeletConfig("k10")["metadata"].contains("annotations"));
  // Not even the ten get rendered.
  EXPECT_EQ(KubeletField("worker", "maxPods"), 250);
  api_.Delete(KubeletConfigPath("k9"));
  Pass(minutes(10));
  EXPECT_EQ(LastMessage("k10"), "Success");
  EXPECT_EQ(KubeletField("worker", "maxPods"), 310);
}

TEST_F(FakeMcoKubeletConfigTest, SuffixesFollowTheOrderOfAcceptance) {
  AddKubeletConfig("b", {{"maxPods", 300}});
  Settle();
  AddKubeletConfig("a", {{"maxPods", 301}});
  AddKubeletConfig("c", {{"maxPods", 302}});
  Settle();
  const auto suffix = [this](const std::string& name) {
    return mco::AnnotationOf(KubeletConfig(name), mco::kSuffixAnnotation);
  };
  EXPECT_EQ(suffix("b"), "");
  EXPECT_EQ(suffix("a"), "1");
  EXPECT_EQ(suffix("c"), "2");
}

class FakeMcoOf421Test : public FakeMcoKubeletConfigTest {
 protected:
  FakeMcoOf421Test() : FakeMcoKubeletConfigTest({.version = mco::OpenShift::k4_21}) {}
};

TEST_F(FakeMcoOf421Test, FailureIsFalseAndThereIsNoAccepted) {
  AddDocumented();
  Pass(seconds(3));
  EXPECT_EQ(Conditions("devicemgr"), "Failure=False");
  LabelPool();
  Pass(seconds(3));
  EXPECT_EQ(Conditions("devicemgr"), "Failure=False Success=True");
}

TEST_F(FakeMcoOf421Test, TheHistoryKeepsThreeConditions) {
  AddKubeletConfig("k", {{"maxPods", 300}});
  Settle();
  for (const char* domain : {"a", "b", "c"}) {
    EditSpec("k", {{"clusterDomain", domain}});
    Settle();
  }
  EXPECT_EQ(Conditions("k"), "Failure=False Failure=False Failure=False");
}

class FakeMcoOf422Test : public FakeMcoKubeletConfigTest {
 protected:
  FakeMcoOf422Test() : FakeMcoKubeletConfigTest({.version = mco::OpenShift::k4_22}) {}
};

TEST_F(FakeMcoOf422Test, FailureIsTrueAndThereIsNoAccepted) {
  AddDocumented();
  Settle();
  EXPECT_EQ(Conditions("devicemgr"), "Failure=True");
}

}  // namespace
}  // namespace nodedevice::testing
