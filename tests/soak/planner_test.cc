#include "tests/soak/planner.h"

#include <map>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace nodedevice::soak {
namespace {

// Plays steps on the model alone: a kubelet gives each pod the first devices that are free.
struct Course {
  explicit Course(std::uint64_t seed) : planner(seed) {}

  Step Play(Part part) {
    const Step step = planner.Next(node, part);
    Apply(step, node);
    if (step.kind == Kind::kAdmitPod && node.Fits(step.asked)) {
      ByContainer given;
      for (const auto& [container, wishes] : step.asked) {
        for (const auto& [entry, count] : wishes) {
          Node with_rest = node;
          with_rest.pods["self"] = given;
          const Ids free = with_rest.Free(entry);
          given[container][entry] = Ids(free.begin(), std::next(free.begin(), count));
        }
      }
      EXPECT_EQ(node.Admitted(step.pod, step.asked, given), "");
    }
    return step;
  }
  std::vector<Step> Play(Part part, int steps) {
    std::vector<Step> played;
    for (int i = 0; i < steps; ++i) played.push_back(Play(part));
    return played;
  }

  Planner planner;
  Node node = Node::First(Source::kFile);
};

TEST(PlannerTest, TheSameSeedGivesTheSameSteps) {
  EXPECT_EQ(Course(5).Play(Part::kStorm, 300), Course(5).Play(Part::kStorm, 300));
  EXPECT_NE(Course(5).Play(Part::kStorm, 300), Course(6).Play(Part::kStorm, 300));
}

TEST(PlannerTest, InAStormEverythingHappensAndNothingImpossible) {
  Course course(1);
  std::map<Kind, int> count;
  bool was_settled = true;
  for (int i = 0; i < 3000; ++i) {
    const Node before = course.node;
    const Step step = course.Play(Part::kStorm);
    ++count[step.kind];
    EXPECT_EQ(step.number, i + 1);
    EXPECT_TRUE(was_settled || step.settle) << ToText(step);
    was_settled = step.settle;
    switch (step.kind) {
      case Kind::kPlug:
        EXPECT_FALSE(before.entries.at(step.entry).plugged.contains(step.device));
        break;
      case Kind::kUnplug:
      case Kind::kReplaceNode:
        EXPECT_TRUE(before.entries.at(step.entry).plugged.contains(step.device));
        break;
      case Kind::kDeletePod:
        EXPECT_TRUE(before.pods.contains(step.pod));
        break;
      case Kind::kAdmitPod:
        EXPECT_FALSE(before.pods.contains(step.pod));
        break;
      case Kind::kKillPlugin:
        EXPECT_TRUE(before.entries.at(step.entry).configured);
        EXPECT_LT(before.entries.at(step.entry).kills, kMostKills);
        break;
      case Kind::kRemoveEntry:
        EXPECT_TRUE(before.entries.at(step.entry).configured);
        EXPECT_FALSE(KindOf(step.entry).is_base);
        break;
      case Kind::kConfigure:
        if (!before.InUse(step.entry).empty()) {
          EXPECT_EQ(step.replicas, before.entries.at(step.entry).replicas);
        }
        break;
      case Kind::kApiOutage:
      case Kind::kApiForgets:
      case Kind::kCutWatches:
        EXPECT_EQ(before.source, Source::kApi);
        break;
      default:
        break;
    }
  }
  for (std::size_t i = 0; i < kKinds; ++i) {
    const auto kind = static_cast<Kind>(i);
    EXPECT_EQ(count[kind] > 0, kind != Kind::kMark) << NameOf(kind);
  }
}

TEST(PlannerTest, InTheWearWhatIsMeasuredLivesOnAndMarksAreTakenInTheFirstState) {
  Course course(2);
  course.Play(Part::kStorm, 100);
  int marks = 0;
  for (int i = 0; i < 1000; ++i) {
    const Node before = course.node;
    const Step step = course.Play(Part::kWear);
    if (step.kind == Kind::kMark) {
      EXPECT_TRUE(before.IsFirst());
      ++marks;
    }
    if (marks == 0) continue;
    EXPECT_EQ(before.source, Source::kApi);
    for (const Kind kind : {Kind::kEndAgent, Kind::kKillAgent, Kind::kEndKubelet,
                            Kind::kKillKubelet, Kind::kKillObserver}) {
      EXPECT_NE(step.kind, kind);
    }
    const bool changes = step.kind == Kind::kKillPlugin || step.kind == Kind::kConfigure;
    EXPECT_FALSE(changes && KindOf(step.entry).is_base) << ToText(step);
  }
  EXPECT_GT(marks, 10);
}

TEST(PlannerTest, FinishingLeadsToAMark) {
  Course course(3);
  course.Play(Part::kStorm, 57);
  course.planner.Finish();
  Step step = course.Play(Part::kStorm);
  for (int i = 0; i < 100 && step.kind != Kind::kMark; ++i) step = course.Play(Part::kStorm);
  EXPECT_EQ(step.kind, Kind::kMark);
  EXPECT_TRUE(course.node.IsFirst());
}

TEST(PlannerTest, AStepIsToldInWords) {
  EXPECT_EQ(
      ToText({.number = 4, .kind = Kind::kUnplug, .settle = false, .entry = "tty", .device = 3}),
      "4 unplug a device: tty3, and at once");
  EXPECT_EQ(ToText({.number = 5,
                    .kind = Kind::kAdmitPod,
                    .pod = "pod7",
                    .asked = {{"c0", {{"cam", 1}, {"tty", 2}}}}}),
            "5 admit a pod: pod7, c0: cam=1 tty=2");
}

}  // namespace
}  // namespace nodedevice::soak
