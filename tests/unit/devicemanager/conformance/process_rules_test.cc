#include <signal.h>

#include "tests/unit/devicemanager/conformance/observations.h"

namespace nodedevice::devicemanager::conformance {
namespace {

TEST(ProcessRulesTest, ItEndsOnlyWhenToldTo) {
  Observation seen = Good();
  seen.deaths.push_back({.doing = "Allocate of example.com/thing [a]",
                         .exit = {.signaled = true, .number = SIGSEGV}});
  ExpectOnly("process/survives", seen, "killed by signal 11");
  EXPECT_NE(JudgedBy("process/survives", seen).seen.find("Allocate of example.com/thing [a]"),
            std::string::npos);
}

TEST(GrowthRulesTest, NothingIsLeftBehindAtEachRegistration) {
  struct Case {
    const char* rule;
    Usage after;
    const char* words;
  };
  const std::vector<Case> cases = {
      {"growth/descriptors",
       {.descriptors = 514, .threads = 6, .private_kib = 900},
       "14 -> 514 descriptors over 500 registrations in 18.00 s"},
      {"growth/threads", {.descriptors = 14, .threads = 506, .private_kib = 900}, "6 -> 506"},
      {"growth/memory",
       {.descriptors = 14, .threads = 6, .private_kib = 60900},
       "900 -> 60900 KiB"}};
  for (const Case& bad : cases) {
    Observation seen = Good();
    seen.growth->after = bad.after;
    ExpectOnly(bad.rule, seen, bad.words);
  }
}

TEST(GrowthRulesTest, WhatFillsUpOnceIsForgiven) {
  Observation seen = Good();
  seen.growth->after = {.descriptors = 26, .threads = 18, .private_kib = 900 + 16 * 1024};
  for (const Finding& finding : Judge(seen)) {
    EXPECT_EQ(finding.judgement.verdict, Verdict::kPass) << finding.rule->name;
  }
}

TEST(GrowthRulesTest, FewRegistrationsTellNothing) {
  Observation seen = Good();
  seen.growth->registrations = 19;
  seen.growth->after = {.descriptors = 400, .threads = 400, .private_kib = 400'000};
  for (const char* rule : {"growth/descriptors", "growth/threads", "growth/memory"}) {
    EXPECT_EQ(JudgedBy(rule, seen).verdict, Verdict::kNotApplicable) << rule;
  }
  seen.growth->registrations = 99;
  EXPECT_EQ(JudgedBy("growth/memory", seen).verdict, Verdict::kNotApplicable);
  EXPECT_EQ(JudgedBy("growth/threads", seen).verdict, Verdict::kFail);
}

TEST(GrowthRulesTest, AProcessThatDoesNotOutliveARestartHoldsNothing) {
  Observation seen = Good();
  seen.growth->process_changed = true;
  EXPECT_EQ(JudgedBy("growth/descriptors", seen).verdict, Verdict::kNotApplicable);
}

TEST(GrowthRulesTest, ItGoesOnRegistering) {
  Observation seen = Good();
  seen.growth->gave_up = true;
  ExpectOnly("growth/still-registers", seen, "no more after 500 registrations");
}

TEST(StopRulesTest, ItEndsInTime) {
  Observation seen = Good();
  seen.stop->ended_after = std::nullopt;
  ExpectOnly("stop/ends-in-time", seen, "still running 10.00 s after SIGTERM");
  EXPECT_EQ(JudgedBy("stop/exit-status", seen).verdict, Verdict::kNotApplicable);
}

TEST(StopRulesTest, ItsExitSaysThatItWasAsked) {
  const std::vector<ChildExit> good = {
      {.number = 0}, {.number = 143}, {.signaled = true, .number = SIGTERM}};
  for (const ChildExit& exit : good) {
    Observation seen = Good();
    seen.stop->exit = exit;
    EXPECT_EQ(JudgedBy("stop/exit-status", seen).verdict, Verdict::kPass) << ToString(exit);
  }
  const std::vector<ChildExit> bad = {{.number = 1}, {.signaled = true, .number = SIGABRT}};
  for (const ChildExit& exit : bad) {
    Observation seen = Good();
    seen.stop->exit = exit;
    ExpectOnly("stop/exit-status", seen, ToString(exit));
  }
}

TEST(StopRulesTest, ItLeavesNothingBehind) {
  Observation seen = Good();
  seen.stop->sockets_left = {"x.sock"};
  ExpectOnly("stop/removes-socket", seen, "left: [x.sock]");
  seen = Good();
  seen.stop->streams_ended = false;
  ExpectOnly("stop/ends-streams", seen, "a stream is still open");
  seen = Good();
  seen.stop->processes_left = 1;
  ExpectOnly("stop/leaves-no-process", seen, "1 process of its group still running");
}

TEST(StopRulesTest, WhetherCapacityStaysIsTold) {
  Observation seen = Good();
  EXPECT_NE(JudgedBy("stop/ends-streams", seen).seen.find("5 minutes"), std::string::npos);
  seen.stop->listed_nothing_last = true;
  EXPECT_NE(JudgedBy("stop/ends-streams", seen).seen.find("at once"), std::string::npos);
}

}  // namespace
}  // namespace nodedevice::devicemanager::conformance
