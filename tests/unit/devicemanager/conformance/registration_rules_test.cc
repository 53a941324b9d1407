#include "tests/unit/devicemanager/conformance/observations.h"

namespace nodedevice::devicemanager::conformance {
namespace {

TEST(RegistrationRulesTest, AnotherVersionIsRefused) {
  Observation seen = Good();
  seen.registrations[0].version = "v1alpha";
  ExpectOnly("register/version", seen, "example.com/thing registers with version 'v1alpha'");
}

TEST(RegistrationRulesTest, AResourceNameIsAnExtendedOne) {
  for (const char* name : {"thing", "kubernetes.io/thing", "example.com/", "example.com/a/b"}) {
    Observation seen = Good();
    seen.registrations[1].resource = name;
    ExpectOnly("register/resource-name", seen, name);
  }
}

TEST(RegistrationRulesTest, AnEndpointIsAFileName) {
  for (const char* name : {"", "/run/plugin.sock", "../plugin.sock", ".."}) {
    Observation seen = Good();
    seen.registrations[0].endpoint = name;
    ExpectOnly("register/endpoint", seen, "as its endpoint");
  }
}

TEST(RegistrationRulesTest, SomebodyAnswersOnTheEndpoint) {
  Observation seen = Good();
  seen.registrations[0].served_at_once = false;
  seen.registrations[0].dialled = Outcome{.kind = Outcome::Kind::kTimedOut, .took = seconds(10)};
  seen.registrations[0].asked = std::nullopt;
  ExpectOnly("register/answers-dial", seen,
             "nobody answers on the endpoint 'plugin.sock' of example.com/thing within 10.00 s");
}

TEST(RegistrationRulesTest, LaterADialMayMeetAPluginThatBeginsAnew) {
  for (const Stage stage : {Stage::kRestart, Stage::kOverlap, Stage::kBeforeKubelet}) {
    Observation seen = Good();
    seen.registrations.push_back({.stage = stage, .asked = Refused("Unavailable")});
    seen.registrations.push_back(
        {.stage = stage,
         .served_at_once = false,
         .dialled = Outcome{.kind = Outcome::Kind::kTimedOut, .took = seconds(10)},
         .asked = std::nullopt});
    for (const Finding& finding : Judge(seen)) {
      EXPECT_EQ(finding.judgement.verdict, Verdict::kPass) << finding.rule->name;
    }
  }
}

TEST(RegistrationRulesTest, ItServesBeforeItRegisters) {
  Observation seen = Good();
  seen.registrations[1].served_at_once = false;
  seen.registrations[1].dialled = Outcome{.took = seconds(1)};
  ExpectOnly("register/serves-before-register", seen, "it did 1.00 s later");
}

TEST(RegistrationRulesTest, ACallThatWasTurnedAwaySaysNothingOfTheSocket) {
  Observation seen = Good();
  seen.registrations.push_back({.served_at_once = false,
                                .turned_away = true,
                                .dialled = std::nullopt,
                                .asked = std::nullopt});
  for (const Finding& finding : Judge(seen)) {
    EXPECT_EQ(finding.judgement.verdict, Verdict::kPass) << finding.rule->name;
  }
}

TEST(RegistrationRulesTest, OptionsAreAnsweredWhileRegisterWaits) {
  Observation seen = Good();
  seen.registrations[0].asked = NoAnswer();
  ExpectOnly("register/options-while-registering", seen, "DeadlineExceeded after 30.00 s");
}

TEST(RegistrationRulesTest, OptionsAgreeWithThoseOfTheRequest) {
  Observation seen = Good();
  seen.registrations[0].options = {.preferred_allocation_available = true};
  ExpectOnly("register/options-agree", seen,
             "registers with options pre_start_required and answers "
             "get_preferred_allocation_available");
  seen.registrations[0].told = std::nullopt;
  seen.registrations[1].told = std::nullopt;
  EXPECT_EQ(JudgedBy("register/options-agree", seen).verdict, Verdict::kNotApplicable);
}

TEST(RegistrationRulesTest, ItDoesNotRegisterWhileItStreams) {
  Observation seen = Good();
  seen.registrations.push_back({.stage = Stage::kSocketRemoved, .streaming_already = true});
  ExpectOnly("register/not-while-streaming", seen, "while its earlier stream was still open");
  seen.registrations.back().stage = Stage::kOverlap;
  EXPECT_EQ(JudgedBy("register/not-while-streaming", seen).verdict, Verdict::kPass);
  seen.registrations.back().stage = Stage::kSlowKubelet;
  EXPECT_EQ(JudgedBy("register/not-while-streaming", seen).verdict, Verdict::kPass);
}

}  // namespace
}  // namespace nodedevice::devicemanager::conformance
