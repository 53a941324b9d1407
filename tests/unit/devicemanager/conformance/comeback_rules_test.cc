#include <algorithm>
#include <utility>

#include "tests/unit/devicemanager/conformance/observations.h"

namespace nodedevice::devicemanager::conformance {
namespace {

Comeback& Of(Observation& seen, Stage stage) {
  return *std::find_if(seen.comebacks.begin(), seen.comebacks.end(),
                       [&](const Comeback& comeback) { return comeback.stage == stage; });
}

TEST(ComebackRulesTest, EveryResourceIsBackInTheEnd) {
  const std::vector<std::pair<const char*, Stage>> cases = {
      {"restart/after-refusals", Stage::kRefusing},
      {"slow-kubelet/registers", Stage::kSlowKubelet},
      {"refused/registers-again", Stage::kRefusedOnce},
      {"stream/registers-again", Stage::kCut},
      {"socket/serves-again", Stage::kSocketRemoved},
      {"overlap/resource-stays", Stage::kOverlap},
      {"start/waits-for-kubelet", Stage::kBeforeKubelet}};
  for (const auto& [rule, stage] : cases) {
    Observation seen = Good();
    Of(seen, stage).resources["example.com/other"] = std::nullopt;
    ExpectOnly(rule, seen, "example.com/other is not registered and listed after 20.00 s");
    Of(seen, stage).resources["example.com/other"] = seconds(19);
    EXPECT_EQ(JudgedBy(rule, seen).seen, "2 resources registered and listed after 19.00 s");
  }
}

TEST(ComebackRulesTest, ALateComebackFromARestartIsSlowAndNotLost) {
  Observation seen = Good();
  Of(seen, Stage::kRestart).resources[kThing] = milliseconds(4030);
  ExpectOnly("restart/promptly", seen, "example.com/thing: 4.03 s");
  Of(seen, Stage::kRestart).resources[kThing] = seconds(1);
  EXPECT_EQ(JudgedBy("restart/promptly", seen).verdict, Verdict::kPass);
}

TEST(ComebackRulesTest, WhoNeverComesBackFromARestartIsLost) {
  Observation seen = Good();
  Of(seen, Stage::kRestart).resources[kThing] = std::nullopt;
  EXPECT_EQ(JudgedBy("restart/registers-again", seen).verdict, Verdict::kFail);
  EXPECT_EQ(JudgedBy("restart/promptly", seen).verdict, Verdict::kFail);
}

TEST(ComebackRulesTest, AProcessThatEndsWithTheKubeletIsStartedAgain) {
  Observation seen = Good();
  Of(seen, Stage::kRestart).ended = {{.number = 1}};
  ExpectOnly("restart/same-process", seen, "the process exited with 1");
  EXPECT_NE(JudgedBy("restart/registers-again", seen).seen.find("as a DaemonSet does"),
            std::string::npos);
}

TEST(ComebackRulesTest, TwoInstancesHaveTwoSockets) {
  Observation seen = Good();
  seen.overlap->endpoints[kThing] = {"x.sock", "x.sock"};
  ExpectOnly("overlap/socket-differs", seen, "both instances serve example.com/thing on 'x.sock'");
}

TEST(ComebackRulesTest, ASecondInstanceMayEndWhileThereIsAFirst) {
  Observation seen = Good();
  seen.overlap = Overlap{.second_ended = ChildExit{.number = 1}};
  EXPECT_EQ(JudgedBy("overlap/socket-differs", seen).verdict, Verdict::kNotApplicable);
  EXPECT_EQ(JudgedBy("overlap/resource-stays", seen).verdict, Verdict::kPass);
  EXPECT_NE(JudgedBy("overlap/resource-stays", seen).seen.find("exited with 1"), std::string::npos);
}

TEST(HotplugRulesTest, ARemovalIsListed) {
  Observation seen = Good();
  seen.hotplug->removal_listed = std::nullopt;
  EXPECT_EQ(
      JudgedBy("hotplug/removal-listed", seen).seen,
      "/dev/a was gone and no other list came in 20.00 s, if it is one that the plugin announces");
  EXPECT_EQ(JudgedBy("hotplug/removal-listed", seen).verdict, Verdict::kFail);
  EXPECT_EQ(JudgedBy("hotplug/promptly", seen).verdict, Verdict::kFail);
  EXPECT_EQ(JudgedBy("hotplug/return-listed", seen).verdict, Verdict::kNotApplicable);
}

TEST(HotplugRulesTest, AReturnIsListed) {
  Observation seen = Good();
  seen.hotplug->return_listed = std::nullopt;
  EXPECT_EQ(JudgedBy("hotplug/removal-listed", seen).verdict, Verdict::kPass);
  EXPECT_EQ(JudgedBy("hotplug/return-listed", seen).verdict, Verdict::kFail);
}

TEST(HotplugRulesTest, BothAreListedWithinASecond) {
  Observation seen = Good();
  seen.hotplug->removal_listed = milliseconds(3900);
  ExpectOnly("hotplug/promptly", seen, "listed 3.90 s after /dev/a was gone");
  seen = Good();
  seen.hotplug->return_listed = seconds(5);
  ExpectOnly("hotplug/promptly", seen, "listed 5.00 s after /dev/a was back");
}

}  // namespace
}  // namespace nodedevice::devicemanager::conformance
