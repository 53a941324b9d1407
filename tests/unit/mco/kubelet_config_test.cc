#include "lib/mco/kubelet_config.h"

#include "gtest/gtest.h"

namespace nodedevice {
namespace {

using nlohmann::json;
using Kind = KubeletConfigVerdict::Kind;

constexpr char kNoPool[] = "Error: could not find any MachineConfigPool set for KubeletConfig";
constexpr char kGate[] =
    "Error: KubeletConfiguration: featureGates is not allowed to be set, but contains: "
    "map[DevicePlugins:true]";
constexpr char kTooMany[] =
    "could not get kubelet config key: max number of supported kubelet config (10) has been "
    "reached. Please delete old kubelet configs before retrying";

json Condition(const std::string& type, const std::string& status, const std::string& message) {
  return {{"type", type}, {"status", status}, {"message", message}};
}

json Config(const json& conditions, const json& observed = 2, const json& generation = 2) {
  return {{"metadata", {{"generation", generation}}},
          {"status", {{"observedGeneration", observed}, {"conditions", conditions}}}};
}

// Selects the pools with this label.
json Selecting(const json& selector, const json& conditions = json::array()) {
  json config = Config(conditions);
  config["spec"]["machineConfigPoolSelector"] = selector;
  return config;
}

json Worker() {
  return {{"metadata",
           {{"name", "worker"},
            {"labels", {{"pools.operator.machineconfiguration.openshift.io/worker", ""}}}}}};
}

json WorkerSelector() {
  return {{"matchLabels", {{"pools.operator.machineconfiguration.openshift.io/worker", ""}}}};
}

json Accepted() { return json::array({Condition("Success", "True", "Success")}); }
json Rejected() { return json::array({Condition("Failure", "True", kGate)}); }

TEST(VerdictTest, ReadsTheLastConditionOfEveryVersion) {
  const struct {
    const char* what;
    std::vector<json> conditions;
    KubeletConfigVerdict verdict;
  } cases[] = {
      {"4.21 accepted", {Condition("Success", "True", "Success")}, {Kind::kAccepted}},
      {"4.21 refused", {Condition("Failure", "False", kGate)}, {Kind::kRejected, kGate}},
      {"4.22 refused", {Condition("Failure", "True", kGate)}, {Kind::kRejected, kGate}},
      {"5.0 refused",
       {Condition("Accepted", "False", kNoPool), Condition("Failure", "True", kNoPool)},
       {Kind::kRejected, kNoPool}},
      {"5.0 accepted after it was refused",
       {Condition("Accepted", "False", kNoPool), Condition("Accepted", "True", "Success"),
        Condition("Success", "True", "Success")},
       {Kind::kAccepted}},
      {"refused after it was accepted",
       {Condition("Success", "True", "Success"), Condition("Accepted", "False", kGate),
        Condition("Failure", "True", kGate)},
       {Kind::kRejected, kGate}},
      {"the eleventh", {Condition("Failure", "True", kTooMany)}, {Kind::kRejected, kTooMany}},
      {"without the legacy part", {Condition("Accepted", "True", "Success")}, {Kind::kAccepted}},
      {"without it, refused", {Condition("Accepted", "False", kGate)}, {Kind::kRejected, kGate}},
      {"undecided", {Condition("Accepted", "Unknown", "wait")}, {Kind::kPending}},
      {"of a later version", {Condition("Success", "True", ""), Condition("New", "True", "")}, {}},
      {"nothing yet", {}, {}},
  };
  for (const auto& a_case : cases) {
    EXPECT_EQ(VerdictOf(Config(a_case.conditions)), a_case.verdict) << a_case.what;
  }
}

TEST(VerdictTest, ThatOfAnEarlierGenerationDoesNotCount) {
  EXPECT_EQ(VerdictOf(Config(Accepted(), 1)).kind, Kind::kPending);
  EXPECT_EQ(VerdictOf(Config(Rejected(), 1)).kind, Kind::kPending);
  EXPECT_EQ(VerdictOf(Config(Accepted(), "2", "2")).kind, Kind::kPending);
  EXPECT_EQ(VerdictOf(Config(Accepted(), nullptr, nullptr)).kind, Kind::kPending);
}

TEST(VerdictTest, AnyJsonGivesAnAnswer) {
  for (const char* odd : {"null", "7", "[]", "{}", R"({"status": 7})"}) {
    EXPECT_EQ(VerdictOf(json::parse(odd)).kind, Kind::kPending) << odd;
  }
  EXPECT_EQ(VerdictOf(Config(json::array({7}))).kind, Kind::kPending);
  EXPECT_EQ(VerdictOf(Config(json::array({{{"type", "Failure"}, {"message", 7}}}))),
            (KubeletConfigVerdict{.kind = Kind::kRejected, .message = ""}));
}

TEST(FreezesPoolTest, WhatSelectsItAndIsNotAcceptedDoes) {
  EXPECT_TRUE(FreezesPool(Selecting(WorkerSelector(), Rejected()), Worker()));
  EXPECT_TRUE(FreezesPool(Selecting(WorkerSelector()), Worker()));  // pending
  EXPECT_FALSE(FreezesPool(Selecting(WorkerSelector(), Accepted()), Worker()));
  const json master = {{"metadata", {{"name", "master"}}}};
  EXPECT_FALSE(FreezesPool(Selecting(WorkerSelector(), Rejected()), master));
}

TEST(FreezesPoolTest, AnEmptySelectorFreezesEveryPoolAndIsAppliedToNone) {
  const json config =
      Selecting(json::object(), json::array({Condition("Failure", "True", kNoPool)}));
  EXPECT_TRUE(FreezesPool(config, Worker()));
  EXPECT_FALSE(AppliesTo(config, Worker()));
}

TEST(FreezesPoolTest, WithoutASelectorItTouchesNoPool) {
  const json config = Config(json::array({Condition("Failure", "True", kNoPool)}));
  EXPECT_FALSE(FreezesPool(config, Worker()));
  EXPECT_FALSE(AppliesTo(config, Worker()));
}

TEST(AppliesToTest, ByTheLabelsOfThePool) {
  EXPECT_TRUE(AppliesTo(Selecting(WorkerSelector()), Worker()));
  EXPECT_FALSE(AppliesTo(Selecting(WorkerSelector()), {{"metadata", {{"name", "worker"}}}}));
  EXPECT_FALSE(AppliesTo(Selecting("worker"), Worker()));
}

TEST(FeatureGateKeysTest, TheOneIsNotReadTheOtherRefused) {
  const auto with = [](const json& kubelet) {
    return json{{"spec", {{"kubeletConfig", kubelet}}}};
  };
  const json documented = with({{"feature-gates", {"DevicePlugins=true"}}});
  EXPECT_TRUE(HasUnreadFeatureGates(documented));
  EXPECT_FALSE(HasRefusedFeatureGates(documented));
  const json refused = with({{"featureGates", {{"DevicePlugins", true}}}});
  EXPECT_FALSE(HasUnreadFeatureGates(refused));
  EXPECT_TRUE(HasRefusedFeatureGates(refused));
  EXPECT_FALSE(HasRefusedFeatureGates(with({{"featureGates", json::object()}})));
  EXPECT_FALSE(HasUnreadFeatureGates(with({{"maxPods", 300}})));
  EXPECT_FALSE(HasRefusedFeatureGates(with({{"maxPods", 300}})));
  EXPECT_FALSE(HasUnreadFeatureGates(7));
  EXPECT_FALSE(HasRefusedFeatureGates(with("featureGates")));
}

}  // namespace
}  // namespace nodedevice
