// Which mediated devices are made and removed: what there is and what is asked for in, a plan out.
#include "plugin/discovery/mdev_plan.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace nodedevice {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Key;
using ::testing::Pair;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;
using Make = MdevPlan::Make;

constexpr char kResource[] = "nvidia.com/vgpu";
constexpr char kFirst[] = "0000:3b:00.0";
constexpr char kSecond[] = "0000:5e:00.0";
constexpr char kA[] = "nvidia-222";
constexpr char kB[] = "nvidia-223";

std::string Uuid(const char* parent, const char* type, int index) {
  return MdevUuid(kResource, parent, type, index);
}
Make Made(const char* parent, const char* type, int index) {
  return {Uuid(parent, type, index), parent, type};
}
MediatedDevice Ours(const char* parent, const char* type, int index) {
  return {.uuid = Uuid(parent, type, index),
          .type_id = type,
          .type_name = type == std::string(kA) ? "GRID_T4-1Q" : "GRID_T4-2Q",
          .parent = parent};
}

// What two cards have room for.
MdevParents Cards(int first_a, int first_b, int second_a, int second_b) {
  const auto types = [](int a, int b) {
    return MdevTypes{{kA, {.name = "GRID_T4-1Q", .available = a, .problem = ""}},
                     {kB, {.name = "GRID_T4-2Q", .available = b, .problem = ""}}};
  };
  return {{kFirst, types(first_a, first_b)}, {kSecond, types(second_a, second_b)}};
}

MdevPlan Plan(const MdevParents& parents, const std::vector<MediatedDevice>& devices,
              const std::vector<MdevCreation>& rules) {
  return PlanMdevs(parents, devices, kResource, rules);
}

TEST(MdevUuidTest, AnIdSaysWhoseItIsAndNeverChanges) {
  EXPECT_EQ(Uuid(kFirst, kA, 0), "6d646576-a658-8798-8f8e-971989000000");
  EXPECT_EQ(IndexOfOwn(Ours(kFirst, kA, 4095), kResource), 4095);
  EXPECT_NE(Uuid(kFirst, kA, 0), Uuid(kSecond, kA, 0));
  EXPECT_NE(Uuid(kFirst, kA, 0), Uuid(kFirst, kB, 0));
}

TEST(MdevUuidTest, WhatAnotherHasMadeIsNotOurs) {
  EXPECT_EQ(IndexOfOwn(Ours(kFirst, kA, 1), "nvidia.com/other"), std::nullopt);
  MediatedDevice device = Ours(kFirst, kA, 1);
  device.parent = kSecond;
  EXPECT_EQ(IndexOfOwn(device, kResource), std::nullopt);
  for (const char* uuid : {"83b8f4f2-509f-382f-3c1e-e6bfe0fa1001", "6d646576", "6d646576-zzzzzz",
                           "6d646576--00001", "", "x"}) {
    device.uuid = uuid;
    EXPECT_EQ(IndexOfOwn(device, kResource), std::nullopt) << uuid;
  }
}

TEST(MdevPlanTest, WithoutACountThereAreAsManyAsFit) {
  const MdevPlan plan = Plan(Cards(2, 1, 1, 0), {}, {{.type = "GRID T4-1Q"}});
  EXPECT_THAT(plan.make,
              ElementsAre(Made(kFirst, kA, 0), Made(kFirst, kA, 1), Made(kSecond, kA, 0)));
  EXPECT_THAT(plan.notes, IsEmpty());
}

TEST(MdevPlanTest, ACountIsOfAllOnTheNode) {
  EXPECT_THAT(Plan(Cards(2, 1, 2, 1), {}, {{.type = kA, .count = 3}}).make,
              ElementsAre(Made(kFirst, kA, 0), Made(kFirst, kA, 1), Made(kSecond, kA, 0)));
}

TEST(MdevPlanTest, OnlyParentsThatAreMeantAreCut) {
  EXPECT_THAT(Plan(Cards(2, 1, 1, 0), {}, {{.type = kA, .parents = {"0000:5e:*"}}}).make,
              ElementsAre(Made(kSecond, kA, 0)));
}

TEST(MdevPlanTest, WhatIsThereIsKeptAndOnlyWhatIsMissingIsMade) {
  const MdevPlan plan = Plan(Cards(1, 0, 0, 0), {Ours(kFirst, kA, 0), Ours(kFirst, kA, 2)},
                             {{.type = kA, .count = 3}});
  EXPECT_THAT(plan.make, ElementsAre(Made(kFirst, kA, 1))) << "the number that is free";
  EXPECT_THAT(plan.unwanted, IsEmpty());
  EXPECT_THAT(Plan(Cards(9, 9, 9, 9), {Ours(kFirst, kA, 0), Ours(kFirst, kA, 2)},
                   {{.type = kA, .count = 2}})
                  .make,
              IsEmpty());
}

TEST(MdevPlanTest, WhatIsNotAskedForAnyMoreIsUnwanted) {
  const MdevPlan plan =
      Plan(Cards(0, 0, 0, 0), {Ours(kFirst, kA, 0), Ours(kFirst, kA, 1), Ours(kSecond, kB, 0)},
           {{.type = kA, .count = 1}});
  EXPECT_THAT(plan.unwanted,
              UnorderedElementsAre(
                  Pair(Uuid(kFirst, kA, 1), "the entry asks for 1 of type nvidia-222 only"),
                  Pair(Uuid(kSecond, kB, 0),
                       "the entry asks for none of type nvidia-223 on 0000:5e:00.0 any more")));
  EXPECT_THAT(plan.make, IsEmpty());
}

TEST(MdevPlanTest, ACountOfNoneAsksForNone) {
  const MdevPlan plan = Plan(Cards(3, 3, 3, 3), {Ours(kFirst, kA, 0)}, {{.type = kA, .count = 0}});
  EXPECT_THAT(plan.unwanted, ElementsAre(Key(Uuid(kFirst, kA, 0))));
  EXPECT_THAT(plan.make, IsEmpty());
  EXPECT_THAT(plan.notes, IsEmpty());
}

TEST(MdevPlanTest, WhatSomebodyElseHasMadeIsNeitherCountedNorRemoved) {
  const MediatedDevice foreign = {.uuid = "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001",
                                  .type_id = kB,
                                  .type_name = "",
                                  .parent = kFirst};
  MediatedDevice of_another = Ours(kSecond, kB, 0);
  of_another.uuid = MdevUuid("nvidia.com/other", kSecond, kB, 0);
  const MdevPlan plan = Plan(Cards(0, 0, 1, 0), {foreign, of_another}, {{.type = kA, .count = 1}});
  EXPECT_THAT(plan.unwanted, IsEmpty());
  EXPECT_THAT(plan.make, ElementsAre(Made(kSecond, kA, 0)));
}

TEST(MdevPlanTest, RulesGetParentsInTurn) {
  EXPECT_THAT(Plan(Cards(2, 1, 2, 1), {}, {{.type = kA}, {.type = kB}}).make,
              ElementsAre(Made(kFirst, kA, 0), Made(kFirst, kA, 1), Made(kSecond, kB, 0)));
}

TEST(MdevPlanTest, AParentGoesToTheRuleThatHasTheFewest) {
  EXPECT_THAT(Plan(Cards(0, 0, 2, 1), {Ours(kFirst, kA, 0)}, {{.type = kA}, {.type = kB}}).make,
              ElementsAre(Made(kSecond, kB, 0)));
}

TEST(MdevPlanTest, WhereARuleHasSomeItGetsMoreFirst) {
  EXPECT_THAT(Plan(Cards(2, 0, 1, 0), {Ours(kSecond, kA, 0)}, {{.type = kA, .count = 2}}).make,
              ElementsAre(Made(kSecond, kA, 1)));
}

TEST(MdevPlanTest, WhatIsLeftOfTheParentsOfOthersIsUsedAtLast) {
  const std::vector<MediatedDevice> both = {Ours(kFirst, kA, 0), Ours(kSecond, kB, 0)};
  EXPECT_THAT(
      Plan(Cards(0, 3, 0, 0), both, {{.type = kA, .count = 1}, {.type = kB, .count = 3}}).make,
      ElementsAre(Made(kFirst, kB, 0), Made(kFirst, kB, 1)));
}

TEST(MdevPlanTest, WhatCannotBeMadeIsANoteWithTheReason) {
  const auto notes = [](const MdevParents& parents, const MdevCreation& rule) {
    return Plan(parents, {Ours(kFirst, kA, 0)}, {rule}).notes;
  };
  EXPECT_THAT(notes({}, {.type = kB}),
              ElementsAre("create: 0 of type nvidia-223: nothing on this node can be cut: "
                          "/sys/class/mdev_bus is empty; is the driver loaded?"));
  EXPECT_THAT(notes(Cards(0, 0, 0, 0), {.type = kB, .parents = {"0000:99:00.0"}}),
              ElementsAre("create: 0 of type nvidia-223: none of 'parents' is in "
                          "/sys/class/mdev_bus"));
  EXPECT_THAT(notes(Cards(0, 0, 0, 0), {.type = "GRID T4-16Q"}),
              ElementsAre("create: 0 of type GRID T4-16Q: no parent has this type"));
  EXPECT_THAT(notes(Cards(0, 0, 0, 0), {.type = kA, .count = 4}),
              ElementsAre("create: 1 of 4 of type nvidia-222: 0000:3b:00.0: its driver has room "
                          "for none; 0000:5e:00.0: its driver has room for none"));
  MdevParents garbled = Cards(0, 0, 0, 0);
  garbled[kFirst][kB].problem = "available_instances is no number, but 'x'";
  garbled.erase(kSecond);
  EXPECT_THAT(notes(garbled, {.type = kB}),
              ElementsAre("create: 0 of type nvidia-223: 0000:3b:00.0: available_instances is no "
                          "number, but 'x'"));
}

TEST(MdevPlanTest, WithoutACountWhatThereIsWillDo) {
  EXPECT_THAT(Plan(Cards(0, 0, 0, 0), {Ours(kFirst, kA, 0)}, {{.type = kA}}).notes, IsEmpty());
}

TEST(MdevPlanTest, NoDriverIsAskedForMoreThanTheLimit) {
  const MdevPlan plan =
      Plan(Cards(kMaxMadeMdevs, 0, kMaxMadeMdevs, 0), {Ours(kFirst, kA, 0)}, {{.type = kA}});
  EXPECT_THAT(plan.make, SizeIs(kMaxMadeMdevs - 1));
}

}  // namespace
}  // namespace nodedevice
