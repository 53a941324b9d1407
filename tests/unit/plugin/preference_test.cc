#include "plugin/preference.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace nodedevice {
namespace {

using ::testing::ElementsAre;

Device OnNode(int node) {
  Device device;
  if (node >= 0) device.numa_nodes = {node};
  return device;
}

Device OnRoot(int node, std::uint32_t root) {
  Device device = OnNode(node);
  device.pci_root = root;
  return device;
}

std::vector<std::string> Preferred(const Announcement& offered, Preference preference,
                                   const std::vector<std::string>& available, int size,
                                   const std::vector<std::string>& must = {}) {
  const auto result = Prefer(offered, preference, available, must, size);
  EXPECT_TRUE(result.ok()) << result.status();
  return result.value_or(std::vector<std::string>{});
}

const Announcement kPlain{.devices = {{"d1", OnNode(-1)}, {"d2", OnNode(-1)}, {"d10", OnNode(-1)}},
                          .replicas = 1,
                          .withdrawn = false};

TEST(PreferenceTest, TakesTheFirstInNaturalOrder) {
  EXPECT_THAT(Preferred(kPlain, Preference::kPacked, {"d10", "d2", "d1"}, 2),
              ElementsAre("d1", "d2"));
}

TEST(PreferenceTest, IsIndependentOfTheOrderOfTheRequest) {
  Announcement offered;
  std::vector<std::string> ids;
  for (int i = 0; i < 12; ++i) {
    ids.push_back("d" + std::to_string(i));
    offered.devices[ids.back()] = OnNode(i % 3);
  }
  const auto expected = Preferred(offered, Preference::kSpread, ids, 5);
  std::mt19937 random(1);
  for (int round = 0; round < 50; ++round) {
    std::shuffle(ids.begin(), ids.end(), random);
    EXPECT_EQ(Preferred(offered, Preference::kSpread, ids, 5), expected);
  }
}

TEST(PreferenceTest, StaysOnOneNumaNodeWhereItCan) {
  const Announcement offered{.devices = {{"a", OnNode(0)},
                                         {"b", OnNode(1)},
                                         {"c", OnNode(1)},
                                         {"d", OnNode(2)},
                                         {"e", OnNode(2)},
                                         {"f", OnNode(2)}},
                             .replicas = 1,
                             .withdrawn = false};
  const std::vector<std::string> all = {"a", "b", "c", "d", "e", "f"};
  // Packed leaves the larger node whole, spread takes from it.
  EXPECT_THAT(Preferred(offered, Preference::kPacked, all, 2), ElementsAre("b", "c"));
  EXPECT_THAT(Preferred(offered, Preference::kSpread, all, 2), ElementsAre("d", "e"));
  EXPECT_THAT(Preferred(offered, Preference::kPacked, all, 1), ElementsAre("a"));
}

TEST(PreferenceTest, FollowsWhatMustBeIncluded) {
  const Announcement offered{
      .devices = {{"a", OnNode(0)}, {"b", OnNode(0)}, {"c", OnNode(1)}, {"d", OnNode(1)}},
      .replicas = 1,
      .withdrawn = false};
  EXPECT_THAT(Preferred(offered, Preference::kPacked, {"a", "b", "c", "d"}, 2, {"d"}),
              ElementsAre("c", "d"));
}

TEST(PreferenceTest, SpillsOverWhenNoNodeSuffices) {
  const Announcement offered{
      .devices = {{"a", OnNode(0)}, {"b", OnNode(1)}, {"c", OnNode(1)}, {"x", OnNode(-1)}},
      .replicas = 1,
      .withdrawn = false};
  EXPECT_THAT(Preferred(offered, Preference::kPacked, {"a", "b", "c", "x"}, 3),
              ElementsAre("a", "b", "c"));
}

const Announcement kShared{
    .devices = {{"g0", OnNode(-1)}, {"g1", OnNode(-1)}}, .replicas = 3, .withdrawn = false};

TEST(PreferenceTest, PackedFillsTheDeviceWithFewestFreeReplicas) {
  EXPECT_THAT(Preferred(kShared, Preference::kPacked, {"g0::0", "g0::1", "g0::2", "g1::2"}, 1),
              ElementsAre("g1::2"));
}

TEST(PreferenceTest, SpreadTakesDifferentDevices) {
  EXPECT_THAT(
      Preferred(kShared, Preference::kSpread, {"g0::0", "g0::1", "g0::2", "g1::1", "g1::2"}, 3),
      ElementsAre("g0::0", "g0::1", "g1::1"));
}

TEST(PreferenceTest, RefusesWhatCannotBe) {
  EXPECT_EQ(Prefer(kPlain, Preference::kPacked, {"d1"}, {}, 2).status().message(),
            "an allocation of 2 from 1 devices");
  EXPECT_EQ(Prefer(kPlain, Preference::kPacked, {"d1", "d2"}, {"d1", "d2"}, 1).status().message(),
            "2 devices must be included in an allocation of 1");
  EXPECT_FALSE(Prefer(kPlain, Preference::kPacked, {"d1"}, {}, -1).ok());
}

TEST(PreferenceTest, StaysOnOneRootOfPciWithinTheNumaNode) {
  const Announcement offered{.devices = {{"a", OnRoot(0, 1)},
                                         {"b", OnRoot(0, 2)},
                                         {"c", OnRoot(0, 2)},
                                         {"d", OnRoot(0, 3)},
                                         {"e", OnRoot(0, 3)},
                                         {"f", OnRoot(0, 3)},
                                         {"g", OnRoot(1, 4)}},
                             .replicas = 1,
                             .withdrawn = false};
  const std::vector<std::string> all = {"a", "b", "c", "d", "e", "f", "g"};
  const std::vector<std::string> near = {"a", "b", "c", "d", "e", "f"};
  EXPECT_THAT(Preferred(offered, Preference::kPacked, near, 2), ElementsAre("b", "c"));
  EXPECT_THAT(Preferred(offered, Preference::kPacked, near, 3), ElementsAre("d", "e", "f"));
  EXPECT_THAT(Preferred(offered, Preference::kSpread, near, 2), ElementsAre("d", "e"));
  EXPECT_THAT(Preferred(offered, Preference::kPacked, all, 2, {"f"}), ElementsAre("d", "f"));
  EXPECT_THAT(Preferred(offered, Preference::kPacked, near, 4), ElementsAre("b", "d", "e", "f"));
  EXPECT_THAT(Preferred(offered, Preference::kPacked, all, 1), ElementsAre("g"));
}

TEST(PreferenceTest, TakesThoseThatWorkBestTogetherWhereThatIsKnown) {
  auto affinity = std::make_shared<Affinity>();
  affinity->Set("a", "b", 10);
  affinity->Set("a", "c", 10);
  affinity->Set("b", "c", 50);
  Announcement offered{.devices = {{"a", OnNode(0)}, {"b", OnNode(0)}, {"c", OnNode(1)}},
                       .replicas = 1,
                       .withdrawn = false,
                       .affinity = affinity};
  for (const Preference preference : {Preference::kPacked, Preference::kSpread}) {
    EXPECT_THAT(Preferred(offered, preference, {"a", "b", "c"}, 2), ElementsAre("b", "c"));
    EXPECT_THAT(Preferred(offered, preference, {"b", "c"}, 2, {"a"}), ElementsAre("a", "b"));
  }
  // Of d nothing is known, and shares are another matter.
  offered.devices["d"] = OnNode(0);
  EXPECT_THAT(Preferred(offered, Preference::kPacked, {"a", "b", "c", "d"}, 2),
              ElementsAre("a", "b"));
  offered.replicas = 2;
  EXPECT_THAT(Preferred(offered, Preference::kPacked, {"b::0", "c::0", "a::0"}, 2),
              ElementsAre("a::0", "b::0"));
}

}  // namespace
}  // namespace nodedevice
