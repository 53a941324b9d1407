#include "tests/unit/devicemanager/conformance/observations.h"

namespace nodedevice::devicemanager::conformance {
namespace {

// A plugin that is only in plugins_registry.
Observation Found() {
  Observation seen = Good();
  seen.registrations.clear();
  std::erase_if(seen.comebacks,
                [](const Comeback& comeback) { return comeback.stage == Stage::kSlowKubelet; });
  return seen;
}

TEST(RegistryRulesTest, OfAPluginThatIsFoundOnlyRegisterSaysNothing) {
  for (const Finding& finding : Judge(Found())) {
    const bool register_call =
        TopicOf(finding.rule->name) == "register" || finding.rule->name == "slow-kubelet/registers";
    EXPECT_EQ(finding.judgement.verdict, register_call ? Verdict::kNotApplicable : Verdict::kPass)
        << finding.rule->name << ": " << finding.judgement.seen;
    if (register_call) {
      EXPECT_NE(finding.judgement.seen.find("plugins_registry"), std::string::npos)
          << finding.rule->name;
    }
  }
}

TEST(RegistryRulesTest, GetInfoIsAnswered) {
  Observation seen = Found();
  seen.discoveries = {{.asked = NoAnswer(),
                       .type = "",
                       .resource = "",
                       .versions = {},
                       .dialled = std::nullopt,
                       .options_asked = std::nullopt,
                       .told = std::nullopt}};
  ExpectOnly("registry/info", seen,
             "plugins_registry/plugin.sock: GetInfo: rpc error: code = DeadlineExceeded");
  EXPECT_EQ(JudgedBy("registry/type", seen).verdict, Verdict::kNotApplicable);
}

TEST(RegistryRulesTest, WhatTheNextAttemptMeetsIsWhatCounts) {
  Observation seen = Found();
  seen.discoveries.insert(seen.discoveries.begin(), {.asked = NoAnswer(), .told = std::nullopt});
  EXPECT_EQ(JudgedBy("registry/info", seen).verdict, Verdict::kPass);
}

TEST(RegistryRulesTest, ItsTypeIsThatOfADevicePlugin) {
  Observation seen = Found();
  seen.discoveries[0].type = "Toaster";
  seen.discoveries[0].dialled = seen.discoveries[0].options_asked = std::nullopt;
  ExpectOnly("registry/type", seen, "'Toaster'");
  // A driver that is both has a socket for each.
  seen.discoveries.push_back({.socket = "other.sock"});
  EXPECT_EQ(JudgedBy("registry/type", seen).verdict, Verdict::kPass);
}

TEST(RegistryRulesTest, ItSupportsTheVersion) {
  Observation seen = Found();
  seen.discoveries[0].versions = {"v1", "v2"};
  ExpectOnly("registry/version", seen,
             "plugins_registry/plugin.sock supports the versions [v1, v2]");
  seen.discoveries[0].versions = {"v1", "v1beta1"};
  EXPECT_EQ(JudgedBy("registry/version", seen).verdict, Verdict::kPass);
}

TEST(RegistryRulesTest, ItsNameIsAnExtendedResource) {
  Observation seen = Found();
  seen.discoveries[0].resource = "thing";
  EXPECT_EQ(JudgedBy("registry/resource-name", seen).verdict, Verdict::kFail);
}

TEST(RegistryRulesTest, SomebodyAnswersOnTheEndpoint) {
  Observation seen = Found();
  seen.discoveries[0].endpoint = "/run/thing.sock";
  seen.discoveries[0].dialled = Outcome{.kind = Outcome::Kind::kTimedOut, .took = seconds(10)};
  seen.discoveries[0].options_asked = std::nullopt;
  ExpectOnly(
      "registry/answers-dial", seen,
      "nobody answers on the endpoint '/run/thing.sock' of example.com/thing within 10.00 s");
}

TEST(RegistryRulesTest, OptionsAreAnswered) {
  Observation seen = Found();
  seen.discoveries[0].options_asked = Refused("no options");
  ExpectOnly("registry/options", seen, "example.com/thing: no options");
}

TEST(RegistryRulesTest, TheNewsOfTheRegistrationIsTaken) {
  Observation seen = Found();
  seen.discoveries[0].told = Refused("no ears");
  ExpectOnly("registry/told", seen, "NotifyRegistrationStatus: no ears");
}

TEST(RegistryRulesTest, ARestartedKubeletFindsItAgain) {
  Observation seen = Found();
  for (Comeback& comeback : seen.comebacks) {
    if (comeback.stage == Stage::kRestart) comeback.resources[kThing] = std::nullopt;
  }
  seen.discoveries[1].asked = Refused("no name");
  const Judgement judgement = JudgedBy("registry/found-again", seen);
  EXPECT_EQ(judgement.verdict, Verdict::kFail);
  EXPECT_EQ(judgement.seen,
            "example.com/thing is not registered and listed after 20.00 s; "
            "plugins_registry/plugin.sock: GetInfo: no name");
}

TEST(RegistryRulesTest, ItLeavesNoSocketThere) {
  Observation seen = Found();
  seen.stop->registry_left = {"plugin.sock"};
  ExpectOnly("registry/removes-socket", seen, "left: [plugin.sock]");
  seen.stop->ended_after = std::nullopt;
  EXPECT_EQ(JudgedBy("registry/removes-socket", seen).verdict, Verdict::kNotApplicable);
  seen.stop = std::nullopt;
  EXPECT_EQ(JudgedBy("registry/removes-socket", seen).seen, "not played");
}

}  // namespace
}  // namespace nodedevice::devicemanager::conformance
