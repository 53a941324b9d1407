#include "plugin/affinity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace nodedevice {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::vector<std::string> Ids(int count) {
  std::vector<std::string> ids;
  for (int i = 0; i < count; ++i) ids.push_back("g" + std::to_string(i));
  return ids;
}

// Pairs 0-1, 2-3, 4-5 and so on are near, all others far.
Affinity InPairs(int count) {
  Affinity affinity;
  const std::vector<std::string> ids = Ids(count);
  for (std::size_t a = 0; a < ids.size(); ++a) {
    for (std::size_t b = a + 1; b < ids.size(); ++b) {
      affinity.Set(ids[a], ids[b], a / 2 == b / 2 ? 150 : 10);
    }
  }
  return affinity;
}

TEST(AffinityTest, IsTheSameInBothOrders) {
  Affinity affinity;
  affinity.Set("a", "b", 7);
  EXPECT_EQ(affinity.Between("a", "b"), 7);
  EXPECT_EQ(affinity.Between("b", "a"), 7);
  EXPECT_EQ(affinity.Between("a", "c"), 0);
  EXPECT_TRUE(affinity.Knows("b"));
  EXPECT_FALSE(affinity.Knows("c"));
}

TEST(AffinityTest, TheBestPairIsTaken) {
  EXPECT_THAT(BestTogether(InPairs(8), {}, {"g7", "g1", "g4", "g5", "g2"}, 2),
              ElementsAre("g4", "g5"));
  EXPECT_THAT(BestTogether(InPairs(8), {"g2"}, {"g7", "g1", "g3", "g4", "g5"}, 2),
              ElementsAre("g2", "g3"));
}

TEST(AffinityTest, OfEqualsTheFirstIsTaken) {
  EXPECT_THAT(BestTogether(InPairs(8), {}, Ids(8), 2), ElementsAre("g0", "g1"));
  EXPECT_THAT(BestTogether({}, {}, {"g10", "g9", "g2"}, 2), ElementsAre("g2", "g9"));
}

TEST(AffinityTest, OfEqualsTheOneThatLeavesThePairsWhole) {
  // One device of six, of which the first has no partner any more.
  EXPECT_THAT(BestTogether(InPairs(8), {}, {"g1", "g2", "g3", "g4", "g5", "g6", "g7"}, 1),
              ElementsAre("g1"));
  EXPECT_THAT(BestTogether(InPairs(8), {}, {"g0", "g1", "g2", "g3", "g5"}, 1), ElementsAre("g5"));
}

TEST(AffinityTest, NothingAndEverything) {
  EXPECT_THAT(BestTogether(InPairs(4), {}, Ids(4), 0), IsEmpty());
  EXPECT_THAT(BestTogether(InPairs(4), {"g1"}, {"g0"}, 1), ElementsAre("g1"));
  EXPECT_THAT(BestTogether(InPairs(4), {}, Ids(4), 4), ElementsAre("g0", "g1", "g2", "g3"));
}

TEST(AffinityTest, HalfOfSixteenAreTriedExhaustively) {
  // Two islands, and a bait that begins better than it ends.
  Affinity affinity;
  const std::vector<std::string> ids = Ids(16);
  for (std::size_t a = 0; a < 16; ++a) {
    for (std::size_t b = a + 1; b < 16; ++b) affinity.Set(ids[a], ids[b], a / 8 == b / 8 ? 50 : 10);
  }
  affinity.Set("g0", "g15", 60);
  EXPECT_THAT(BestTogether(affinity, {}, ids, 8),
              ElementsAre("g0", "g1", "g2", "g3", "g4", "g5", "g6", "g7"));
  EXPECT_THAT(BestTogether(affinity, {"g9"}, Ids(9), 2), ElementsAre("g8", "g9"));
}

TEST(AffinityTest, ManyAreTakenOneAfterTheOther) {
  const std::vector<std::string> best = BestTogether(InPairs(200), {"g31"}, Ids(31), 8);
  ASSERT_THAT(best, SizeIs(8));
  const std::vector<std::string> many = BestTogether(InPairs(200), {}, Ids(200), 4);
  EXPECT_THAT(many, ElementsAre("g0", "g1", "g2", "g3"));
}

}  // namespace
}  // namespace nodedevice
