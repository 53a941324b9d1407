#include "controller/conflicts.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace nodedevice {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const WallSeconds kOld = ReadApiTime("2026-01-01T00:00:00Z");
const WallSeconds kNew = ReadApiTime("2026-01-02T00:00:00Z");

std::vector<ObservedNode> Nodes() { return {{.name = "n0"}, {.name = "n1"}, {.name = "n2"}}; }

TEST(ConflictsTest, TheOlderKeepsTheResource) {
  const auto refused =
      FindConflicts({{.config = "a", .created = kNew, .resources = {"r", "x"}, .nodes = {0, 1}},
                     {.config = "b", .created = kOld, .resources = {"r"}, .nodes = {1, 2}}},
                    Nodes());
  ASSERT_EQ(refused.size(), 1u);
  EXPECT_EQ(refused.at("a").reason, "ResourceConflict");
  EXPECT_THAT(refused.at("a").message,
              AllOf(HasSubstr("DevicePluginConfig a"), HasSubstr("DevicePluginConfig b"),
                    HasSubstr(" r "), HasSubstr("node n1")));
}

TEST(ConflictsTest, OfTheSameAgeTheNameDecides) {
  const auto refused =
      FindConflicts({{.config = "b", .created = kOld, .resources = {"r"}, .nodes = {0}},
                     {.config = "a", .created = kOld, .resources = {"r"}, .nodes = {0}}},
                    Nodes());
  EXPECT_TRUE(refused.contains("b"));
  EXPECT_FALSE(refused.contains("a"));
}

TEST(ConflictsTest, OtherNodesOrOtherResourcesAreNone) {
  EXPECT_THAT(FindConflicts({{.config = "a", .created = kOld, .resources = {"r"}, .nodes = {0}},
                             {.config = "b", .created = kNew, .resources = {"r"}, .nodes = {1}},
                             {.config = "c", .created = kNew, .resources = {"s"}, .nodes = {0}}},
                            Nodes()),
              IsEmpty());
}

// c would be in the way of b only, which is not carried out.
TEST(ConflictsTest, WhoIsRefusedStandsInNobodysWay) {
  const auto refused =
      FindConflicts({{.config = "a", .created = kOld, .resources = {"r"}, .nodes = {0}},
                     {.config = "b", .created = kNew, .resources = {"r", "s"}, .nodes = {0, 1}},
                     {.config = "c", .created = kNew, .resources = {"s"}, .nodes = {1}}},
                    Nodes());
  EXPECT_TRUE(refused.contains("b"));
  EXPECT_EQ(refused.size(), 1u);
}

TEST(ConflictsTest, WhatRunsThoughRefusedKeepsItsResources) {
  const auto refused = FindConflicts(
      {{.config = "a", .created = kOld, .resources = {"r"}, .nodes = {0}, .can_be_refused = false},
       {.config = "b", .created = kNew, .resources = {"r"}, .nodes = {0}}},
      Nodes());
  EXPECT_TRUE(refused.contains("b"));
}

}  // namespace
}  // namespace nodedevice
