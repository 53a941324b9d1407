#include "devicemanager/allocation.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace nodedevice::devicemanager {
namespace {

using ::testing::ElementsAre;

// Four healthy devices, none in use, one wanted.
AllocationRequest Request() {
  return {.pod_uid = "uid",
          .container = "main",
          .resource = "example.com/a",
          .required = 1,
          .registered = true,
          .prefers = false,
          .held = std::nullopt,
          .healthy = {"d1", "d2", "d3", "d4"},
          .in_use = {},
          .reusable = {}};
}

DeviceIds Taken(const AllocationRequest& request) {
  const auto decision = DecideAllocation(request);
  if (!decision.ok()) {
    ADD_FAILURE() << decision.status();
    return {};
  }
  const auto* taken = std::get_if<TakeDevices>(&*decision);
  EXPECT_NE(taken, nullptr) << "another decision";
  return taken == nullptr ? DeviceIds() : taken->devices;
}

std::string Error(const AllocationRequest& request) {
  return std::string(DecideAllocation(request).status().message());
}

bool NothingIsNeeded(const AllocationRequest& request) {
  const auto decision = DecideAllocation(request);
  return decision.ok() && std::holds_alternative<NothingNeeded>(*decision);
}

TEST(AllocationTest, TakesFreeHealthyDevices) {
  auto request = Request();
  request.required = 2;
  request.in_use = {"d1", "d3"};
  EXPECT_THAT(Taken(request), ElementsAre("d2", "d4"));
}

TEST(AllocationTest, ASeedDecidesWhichDevicesAreTaken) {
  auto request = Request();
  for (int i = 10; i < 60; ++i) request.healthy.insert("d" + std::to_string(i));
  request.in_use = {"d10"};
  request.required = 5;
  const DeviceIds in_order = Taken(request);
  request.seed = 1;
  const DeviceIds first = Taken(request);
  EXPECT_EQ(first.size(), 5u);
  EXPECT_EQ(first.count("d10"), 0u) << "in use";
  EXPECT_NE(first, in_order);
  EXPECT_EQ(Taken(request), first);
  request.seed = 2;
  EXPECT_NE(Taken(request), first);
}

TEST(AllocationTest, ASeedDoesNotTouchWhatThePluginOrTheNumaNodesDecide) {
  auto request = Request();
  request.required = 2;
  request.affinity = NumaMask({1});
  request.numa_nodes = {{"d1", {0}}, {"d2", {0}}, {"d3", {1}}, {"d4", {1}}};
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    request.seed = seed;
    EXPECT_THAT(Taken(request), ElementsAre("d3", "d4"));
    const AskPlugin ask{.available = {"d1", "d2", "d3", "d4"},
                        .must_include = {"d4"},
                        .size = 2,
                        .first = {},
                        .seed = seed};
    const auto taken = Complete(ask, {"d2"});
    ASSERT_TRUE(taken.ok());
    EXPECT_THAT(taken->devices, ElementsAre("d2", "d4"));
  }
}

TEST(AllocationTest, AChangedRequestComesBeforeEverythingElse) {
  auto request = Request();
  request.held = DeviceIds{"d1"};
  request.required = 2;
  request.registered = false;
  EXPECT_EQ(Error(request),
            "pod \"uid\" container \"main\" changed request for resource \"example.com/a\" from 1 "
            "to 2");
}

TEST(AllocationTest, AnUnknownResourceIsRefused) {
  auto request = Request();
  request.registered = false;
  request.healthy.clear();
  EXPECT_EQ(Error(request), "cannot allocate unregistered device example.com/a");
}

TEST(AllocationTest, AResourceWithoutHealthyDevicesIsRefused) {
  auto request = Request();
  request.healthy.clear();
  EXPECT_EQ(Error(request),
            "no healthy devices present; cannot allocate unhealthy devices example.com/a");
}

TEST(AllocationTest, ARestartedContainerWhoseDeviceIsUnhealthyIsRefused) {
  auto request = Request();
  request.held = DeviceIds{"gone"};
  EXPECT_EQ(Error(request),
            "previously allocated devices are no longer healthy; cannot allocate unhealthy "
            "devices example.com/a");
}

TEST(AllocationTest, ARestartedContainerKeepsItsDevices) {
  auto request = Request();
  request.held = DeviceIds{"d2"};
  request.in_use = {"d2"};
  EXPECT_TRUE(NothingIsNeeded(request));
}

TEST(AllocationTest, NothingIsNeededForARequestOfZero) {
  auto request = Request();
  request.required = 0;
  EXPECT_TRUE(NothingIsNeeded(request));
}

TEST(AllocationTest, TooFewFreeDevicesAreRefusedWithBothNumbers) {
  auto request = Request();
  request.required = 3;
  request.in_use = {"d1", "d2"};
  EXPECT_EQ(Error(request),
            "requested number of devices unavailable for example.com/a. Requested: 3, Available: "
            "2");
}

TEST(AllocationTest, DevicesOfInitContainersAreTakenFirstAndNotCountedAsMissing) {
  auto request = Request();
  request.required = 2;
  request.in_use = {"d2", "d3", "d4"};
  request.reusable = {"d4"};
  EXPECT_THAT(Taken(request), ElementsAre("d1", "d4"));

  request.in_use = {"d1", "d2", "d3", "d4"};
  EXPECT_EQ(Error(request),
            "requested number of devices unavailable for example.com/a. Requested: 1, Available: "
            "0");
}

TEST(AllocationTest, ReusedDevicesAloneAreEnoughWithoutAskingThePlugin) {
  auto request = Request();
  request.prefers = true;
  request.in_use = {"d1", "d2", "d3", "d4"};
  request.reusable = {"d3", "d4"};
  EXPECT_THAT(Taken(request), ElementsAre("d3"));
}

TEST(AllocationTest, APluginWithPreferencesIsAskedWithAllFreeAndTakenDevices) {
  auto request = Request();
  request.prefers = true;
  request.required = 2;
  request.in_use = {"d3", "d4"};
  request.reusable = {"d4"};
  const auto decision = DecideAllocation(request);
  ASSERT_TRUE(decision.ok()) << decision.status();
  const auto& ask = std::get<AskPlugin>(*decision);
  EXPECT_THAT(ask.available, ElementsAre("d1", "d2", "d4"));
  EXPECT_THAT(ask.must_include, ElementsAre("d4"));
  EXPECT_EQ(ask.size, 2);
}

TEST(AllocationTest, APreferenceIsHonoured) {
  const AskPlugin ask{.available = {"d1", "d2", "d3"}, .must_include = {}, .size = 2};
  EXPECT_THAT(Complete(ask, {"d2", "d3"})->devices, ElementsAre("d2", "d3"));
}

TEST(AllocationTest, PreferredIdsThatWereNotOfferedAreIgnored) {
  const AskPlugin ask{.available = {"d1", "d2"}, .must_include = {}, .size = 1};
  EXPECT_THAT(Complete(ask, {"elsewhere"})->devices, ElementsAre("d1"));
}

TEST(AllocationTest, AShortPreferenceIsFilledUpFromTheOffer) {
  const AskPlugin ask{.available = {"d1", "d2", "d3"}, .must_include = {}, .size = 2};
  EXPECT_THAT(Complete(ask, {"d3"})->devices, ElementsAre("d1", "d3"));
}

TEST(AllocationTest, TooLongAPreferenceIsCut) {
  const AskPlugin ask{.available = {"d1", "d2", "d3"}, .must_include = {"d3"}, .size = 2};
  EXPECT_THAT(Complete(ask, {"d1", "d2", "d3"})->devices, ElementsAre("d1", "d3"));
}

// d1 on node 0, d2 and d3 on node 1, d4 on none; node 1 is wanted.
AllocationRequest OnNode1() {
  auto request = Request();
  request.affinity = NumaMask({1});
  request.numa_nodes = {{"d1", {0}}, {"d2", {1}}, {"d3", {1}}, {"d4", {}}};
  return request;
}

TEST(AllocationTest, AlignedDevicesAreTakenBeforeOthers) {
  auto request = OnNode1();
  EXPECT_THAT(Taken(request), ElementsAre("d2"));
  request.required = 2;
  EXPECT_THAT(Taken(request), ElementsAre("d2", "d3"));
}

TEST(AllocationTest, ADeviceOfSeveralNodesIsAlignedByAnyOfThem) {
  auto request = OnNode1();
  request.numa_nodes["d1"] = {0, 1};
  EXPECT_THAT(Taken(request), ElementsAre("d1"));
}

TEST(AllocationTest, UnalignedDevicesAreTakenBeforeThoseWithoutTopology) {
  auto request = OnNode1();
  request.numa_nodes = {{"d1", {}}, {"d2", {0}}, {"d3", {1}}, {"d4", {-1}}};
  request.required = 2;
  EXPECT_THAT(Taken(request), ElementsAre("d2", "d3"));
  request.required = 3;
  EXPECT_THAT(Taken(request), ElementsAre("d1", "d2", "d3"));
}

TEST(AllocationTest, AResourceWithoutTopologyHasNothingToAlign) {
  auto request = OnNode1();
  request.numa_nodes = {{"d1", {}}, {"d2", {}}, {"d3", {}}, {"d4", {}}};
  EXPECT_THAT(Taken(request), ElementsAre("d1"));
}

TEST(AllocationTest, ThePluginChoosesAmongAlignedDevicesWhenThereAreMoreThanNeeded) {
  auto request = OnNode1();
  request.prefers = true;
  request.reusable = {"d4"};
  request.in_use = {"d4"};
  request.required = 2;
  const auto decision = DecideAllocation(request);
  ASSERT_TRUE(decision.ok()) << decision.status();
  const auto& ask = std::get<AskPlugin>(*decision);
  EXPECT_THAT(ask.available, ElementsAre("d2", "d3", "d4"));
  EXPECT_THAT(ask.must_include, ElementsAre("d4"));
  EXPECT_EQ(ask.size, 2);
  EXPECT_THAT(Complete(ask, {"d1", "d3"})->devices, ElementsAre("d3", "d4")) << "d1 is not offered";
}

TEST(AllocationTest, ThePluginIsNotAskedWhenTheAlignedDevicesAreJustEnough) {
  auto request = OnNode1();
  request.prefers = true;
  request.required = 2;
  EXPECT_THAT(Taken(request), ElementsAre("d2", "d3"));
}

TEST(AllocationTest, WhenAlignedDevicesAreTooFewThePluginChoosesTheRest) {
  auto request = OnNode1();
  request.prefers = true;
  request.required = 3;
  const auto decision = DecideAllocation(request);
  ASSERT_TRUE(decision.ok()) << decision.status();
  const auto& ask = std::get<AskPlugin>(*decision);
  EXPECT_THAT(ask.available, ElementsAre("d1", "d2", "d3", "d4"));
  EXPECT_THAT(ask.must_include, ElementsAre("d2", "d3"));
  EXPECT_THAT(Complete(ask, {"d4"})->devices, ElementsAre("d2", "d3", "d4"));
  EXPECT_THAT(Complete(ask, {})->devices, ElementsAre("d1", "d2", "d3"));
}

TEST(AllocationTest, AnOfferThatIsTooSmallIsAnError) {
  const AskPlugin ask{.available = {"d1"}, .must_include = {}, .size = 2};
  EXPECT_EQ(Complete(ask, {}).status().message(),
            "unexpectedly allocated less resources than required. Requested: 2, Got: 1");
}

}  // namespace
}  // namespace nodedevice::devicemanager
