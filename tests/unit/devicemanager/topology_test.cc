#include "devicemanager/topology.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace nodedevice::devicemanager {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

TopologyHint Preferred(const NumaNodes& nodes) {
  return {.nodes = NumaMask(nodes), .preferred = true};
}

TopologyHint Possible(const NumaNodes& nodes) {
  return {.nodes = NumaMask(nodes), .preferred = false};
}

// Two devices on each of two nodes, all of them free.
HintRequest Request(int required) {
  return {.required = required,
          .devices = {{"a0", {0}}, {"b0", {0}}, {"a1", {1}}, {"b1", {1}}},
          .available = {"a0", "b0", "a1", "b1"},
          .reusable = {},
          .held = {},
          .machine = {0, 1}};
}

std::vector<TopologyHint> HintsOf(const HintRequest& request) {
  const ResourceHints hints = MakeHints(request);
  if (!hints) ADD_FAILURE() << "no preference";
  return hints.value_or(std::vector<TopologyHint>());
}

TEST(NumaMaskTest, HoldsTheNumbersThatAKubeletCanHold) {
  EXPECT_THAT(NumaMask({0, 63, 64, -1}).Nodes(), ElementsAre(0, 63));
  EXPECT_FALSE(NumaMask({0}).HasAny({-1, 64, 1000}));
  EXPECT_TRUE(NumaMask({0, 2}).HasAny({1, 2}));
  EXPECT_TRUE(NumaMask({64}).Empty());
  EXPECT_EQ((NumaMask({0, 1}) & NumaMask({1, 2})).Nodes(), NumaNodes({1}));
}

TEST(NumaMaskTest, FewerNodesAreNarrowerAndThenLowerNumbers) {
  EXPECT_TRUE(NumaMask({7}).IsNarrowerThan(NumaMask({0, 1})));
  EXPECT_TRUE(NumaMask({0, 2}).IsNarrowerThan(NumaMask({1, 2})));
  EXPECT_FALSE(NumaMask({0}).IsNarrowerThan(NumaMask({0})));
}

TEST(HintsTest, AResourceWithoutTopologyHasNoPreference) {
  auto request = Request(1);
  request.devices = {{"a0", {}}, {"b0", {}}};
  EXPECT_EQ(MakeHints(request), std::nullopt);
}

TEST(HintsTest, ARequestThatOneNodeCanServePrefersOneNode) {
  EXPECT_THAT(HintsOf(Request(2)),
              UnorderedElementsAre(Preferred({0}), Preferred({1}), Possible({0, 1})));
}

TEST(HintsTest, ARequestThatNeedsBothNodesPrefersBoth) {
  EXPECT_THAT(HintsOf(Request(3)), ElementsAre(Preferred({0, 1})));
}

TEST(HintsTest, WhatIsPreferredDoesNotDependOnWhatIsInUse) {
  auto request = Request(2);
  request.available = {"a0", "a1"};
  EXPECT_THAT(HintsOf(request), ElementsAre(Possible({0, 1})))
      << "one node could serve it, were nothing in use";
}

TEST(HintsTest, TooFewDevicesAreImpossible) { EXPECT_THAT(HintsOf(Request(5)), IsEmpty()); }

TEST(HintsTest, ReusableDevicesCountAndMustBeOnTheNodes) {
  auto request = Request(2);
  request.available = {"b0", "a1", "b1"};
  request.reusable = {"a0"};
  EXPECT_THAT(HintsOf(request), UnorderedElementsAre(Preferred({0}), Possible({0, 1})));
}

TEST(HintsTest, AReusableDeviceWithoutTopologyIsInNobodysWay) {
  auto request = Request(2);
  request.devices["nowhere"] = {};
  request.reusable = {"nowhere"};
  EXPECT_THAT(HintsOf(request),
              UnorderedElementsAre(Preferred({0}), Preferred({1}), Possible({0, 1})));
}

TEST(HintsTest, ADeviceOfSeveralNodesCountsOnEachOfThem) {
  auto request = Request(1);
  request.devices = {{"x", {0, 1}}};
  request.available = {"x"};
  EXPECT_THAT(HintsOf(request),
              UnorderedElementsAre(Preferred({0}), Preferred({1}), Possible({0, 1})));
}

TEST(HintsTest, OnlyNodesThatHaveDevicesAreLookedAt) {
  auto request = Request(2);
  request.machine = {0, 1, 2, 3};
  EXPECT_EQ(HintsOf(request).size(), 3u);
}

TEST(HintsTest, NodesThatTheMachineDoesNotHaveAreDropped) {
  auto request = Request(1);
  request.machine = {1};
  EXPECT_THAT(HintsOf(request), ElementsAre(Preferred({1})));
}

TEST(HintsTest, WithoutAKnownNodeAllOfTheMachineAreTriedInVain) {
  auto request = Request(1);
  request.machine = {4, 5};
  EXPECT_THAT(HintsOf(request), IsEmpty());
}

TEST(HintsTest, DevicesThatAreHeldAlreadyGiveTheSameHintAgain) {
  auto request = Request(2);
  request.available = {};
  request.held = {"a1", "b1"};
  EXPECT_THAT(HintsOf(request), UnorderedElementsAre(Preferred({1}), Possible({0, 1})));
  request.required = 1;
  EXPECT_THAT(HintsOf(request), IsEmpty()) << "another number than is held";
}

Affinity Merge(TopologyPolicy policy, const std::vector<ResourceHints>& hints,
               const NumaNodes& nodes = {0, 1}) {
  return MergeHints({.policy = policy, .scope = TopologyScope::kContainer, .nodes = nodes}, hints);
}

constexpr TopologyPolicy kBestEffort = TopologyPolicy::kBestEffort;
constexpr TopologyPolicy kRestricted = TopologyPolicy::kRestricted;
constexpr TopologyPolicy kSingle = TopologyPolicy::kSingleNumaNode;

const ResourceHints kEither = {{Preferred({0}), Preferred({1}), Possible({0, 1})}};
const ResourceHints kOnly0 = {{Preferred({0}), Possible({0, 1})}};
const ResourceHints kOnly1 = {{Preferred({1}), Possible({0, 1})}};
const ResourceHints kNeedsBoth = {{Preferred({0, 1})}};
const ResourceHints kImpossible = std::vector<TopologyHint>();

TEST(MergeHintsTest, WithoutAPolicyNothingIsAligned) {
  const Affinity affinity = Merge(TopologyPolicy::kNone, {kImpossible});
  EXPECT_EQ(affinity.nodes, std::nullopt);
  EXPECT_TRUE(affinity.admitted);
}

TEST(MergeHintsTest, ResourcesAgreeOnTheNodeThatBothCanUse) {
  for (const TopologyPolicy policy : {kBestEffort, kRestricted, kSingle}) {
    const Affinity affinity = Merge(policy, {kEither, kOnly1});
    EXPECT_EQ(affinity.nodes, NumaMask({1}));
    EXPECT_TRUE(affinity.admitted);
  }
}

TEST(MergeHintsTest, OfEquallyGoodNodesTheLowestIsTaken) {
  EXPECT_EQ(Merge(kBestEffort, {kEither}).nodes, NumaMask({0}));
}

TEST(MergeHintsTest, ResourcesThatCannotAgreeAreForBestEffortOnly) {
  const Affinity affinity = Merge(kBestEffort, {kOnly0, kOnly1});
  EXPECT_TRUE(affinity.admitted);
  EXPECT_EQ(affinity.nodes, NumaMask({0})) << "as many nodes as the neediest resource needs";
  EXPECT_FALSE(Merge(kRestricted, {kOnly0, kOnly1}).admitted);
  EXPECT_FALSE(Merge(kSingle, {kOnly0, kOnly1}).admitted);
}

TEST(MergeHintsTest, WhatNeedsTwoNodesIsTooMuchForASingleNodeOnly) {
  const Affinity restricted = Merge(kRestricted, {kNeedsBoth});
  EXPECT_TRUE(restricted.admitted);
  EXPECT_EQ(restricted.nodes, NumaMask({0, 1}));
  EXPECT_FALSE(Merge(kSingle, {kNeedsBoth}).admitted);
}

TEST(MergeHintsTest, HintsThatAreNotPreferredAreRefusedByRestricted) {
  const ResourceHints spread = {{Possible({0, 1})}};
  EXPECT_TRUE(Merge(kBestEffort, {spread}).admitted);
  EXPECT_FALSE(Merge(kRestricted, {spread}).admitted);
  EXPECT_FALSE(Merge(kSingle, {spread}).admitted);
}

TEST(MergeHintsTest, AResourceWithoutPreferenceIsInNobodysWay) {
  EXPECT_EQ(Merge(kRestricted, {kOnly1, std::nullopt}).nodes, NumaMask({1}));
  EXPECT_TRUE(Merge(kRestricted, {kOnly1, std::nullopt}).admitted);
}

TEST(MergeHintsTest, WithoutAnyPreferenceAllNodesAreFine) {
  EXPECT_EQ(Merge(kRestricted, {}).nodes, NumaMask({0, 1}));
  EXPECT_TRUE(Merge(kRestricted, {}).admitted);
  EXPECT_EQ(Merge(kSingle, {}).nodes, std::nullopt);
  EXPECT_TRUE(Merge(kSingle, {}).admitted);
}

TEST(MergeHintsTest, AnImpossibleResourceIsRefusedByAllButBestEffort) {
  EXPECT_TRUE(Merge(kBestEffort, {kImpossible, kOnly1}).admitted);
  EXPECT_FALSE(Merge(kRestricted, {kImpossible, kOnly1}).admitted);
  const Affinity single = Merge(kSingle, {kImpossible, kOnly1});
  EXPECT_FALSE(single.admitted);
  EXPECT_EQ(single.nodes, std::nullopt);
}

TEST(MergeHintsTest, ASingleNodeMachineHasNothingToAlignUnderSingleNumaNode) {
  const Affinity affinity = Merge(kSingle, {{{Preferred({0})}}}, {0});
  EXPECT_EQ(affinity.nodes, std::nullopt) << "it is all of the machine";
  EXPECT_TRUE(affinity.admitted);
}

// Where nothing is preferred, the neediest resource decides how many nodes are best.
TEST(MergeHintsTest, TheNeediestResourceDecidesHowManyNodesAreBest) {
  const NumaNodes machine = {0, 1, 2, 3};
  const ResourceHints one = {{Possible({0}), Possible({0, 1}), Possible({0, 1, 2, 3})}};
  const ResourceHints two = {{Possible({0, 1}), Possible({2, 3}), Possible({0, 1, 2, 3})}};
  EXPECT_EQ(Merge(kBestEffort, {one, two}, machine).nodes, NumaMask({0, 1}));
  // More than it needs is worse than fewer.
  const ResourceHints four = {{Possible({0, 1, 2}), Possible({1})}};
  const ResourceHints all = {{Possible({0, 1, 2, 3}), Possible({1, 2})}};
  EXPECT_EQ(Merge(kBestEffort, {four, all}, machine).nodes, NumaMask({1, 2}));
  EXPECT_EQ(Merge(kBestEffort, {{{Possible({3})}}, {{Possible({2, 3})}}}, machine).nodes,
            NumaMask({3}));
}

TEST(MergeHintsTest, ManyResourcesOnTheLargestMachineAreMergedAtOnce) {
  const NumaNodes machine = {0, 1, 2, 3, 4, 5, 6, 7};
  HintRequest request{.required = 1,
                      .devices = {},
                      .available = {},
                      .reusable = {},
                      .held = {},
                      .machine = machine};
  for (const std::int64_t node : machine) {
    request.devices[std::to_string(node)] = {node};
    request.available.insert(std::to_string(node));
  }
  const ResourceHints hints = MakeHints(request);
  ASSERT_EQ(hints->size(), 255u);
  EXPECT_EQ(Merge(kRestricted, std::vector<ResourceHints>(20, hints), machine).nodes,
            NumaMask({0}));
}

TEST(TopologySettingsTest, PoliciesAndScopesHaveTheKubeletsNames) {
  EXPECT_EQ(*ParseTopologyPolicy("none"), TopologyPolicy::kNone);
  EXPECT_EQ(*ParseTopologyPolicy("best-effort"), kBestEffort);
  EXPECT_EQ(*ParseTopologyPolicy("restricted"), kRestricted);
  EXPECT_EQ(*ParseTopologyPolicy("single-numa-node"), kSingle);
  EXPECT_THAT(std::string(ParseTopologyPolicy("strict").status().message()),
              HasSubstr("'strict' is none of none, best-effort"));
  EXPECT_EQ(*ParseTopologyScope("container"), TopologyScope::kContainer);
  EXPECT_EQ(*ParseTopologyScope("pod"), TopologyScope::kPod);
  EXPECT_THAT(std::string(ParseTopologyScope("node").status().message()),
              HasSubstr("'node' is neither"));
}

TEST(TopologySettingsTest, MoreThanEightNodesNeedThePolicyNone) {
  TopologySettings settings{
      .policy = kRestricted, .scope = TopologyScope::kContainer, .nodes = {0, 1, 2, 3, 4, 5, 6, 7}};
  EXPECT_TRUE(CheckTopology(settings).ok());
  settings.nodes.push_back(8);
  EXPECT_THAT(std::string(CheckTopology(settings).message()),
              HasSubstr("unsupported on machines with more than 8 NUMA Nodes"));
  settings.policy = TopologyPolicy::kNone;
  EXPECT_TRUE(CheckTopology(settings).ok());
}

}  // namespace
}  // namespace nodedevice::devicemanager
