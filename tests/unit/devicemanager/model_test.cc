#include "devicemanager/model.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace nodedevice::devicemanager {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using Counts = Model::Counts;

constexpr TimePoint kStart{std::chrono::hours(1)};
constexpr char kResource[] = "example.com/a";

std::vector<Device> HealthyDevices(std::initializer_list<const char*> ids) {
  std::vector<Device> devices;
  for (const char* id : ids) devices.push_back({.id = id, .healthy = true, .numa_nodes = {}});
  return devices;
}

void Register(Model& model, ClientId client, PluginOptions options = {}) {
  model.ConnectStarted(kResource, client);
  model.Connected(kResource, client, options);
}

TEST(ModelTest, KnowsNothingAtFirst) {
  const Model model;
  EXPECT_THAT(model.Resources(), IsEmpty());
  EXPECT_FALSE(model.IsRegistered(kResource));
  EXPECT_EQ(model.FindEndpoint(kResource), nullptr);
  EXPECT_EQ(model.FindDevice(kResource, "x"), nullptr);
}

TEST(ModelTest, DevicesAppearOnlyWithTheFirstList) {
  Model model;
  Register(model, 1, {.pre_start_required = true, .preferred_allocation_available = false});
  EXPECT_FALSE(model.IsRegistered(kResource));
  EXPECT_TRUE(model.FindEndpoint(kResource)->options.pre_start_required);
  EXPECT_THAT(model.Resources(), ElementsAre(Pair(kResource, Counts{0, 0, true})));

  model.ListReceived(kResource, HealthyDevices({"x", "y"}));
  EXPECT_TRUE(model.IsRegistered(kResource));
  EXPECT_THAT(model.Resources(), ElementsAre(Pair(kResource, Counts{2, 2, true})));
}

TEST(ModelTest, CapacityCountsUnhealthyDevicesAllocatableDoesNot) {
  Model model;
  Register(model, 1);
  auto devices = HealthyDevices({"x", "y"});
  devices.push_back({.id = "z", .healthy = false, .numa_nodes = {}});
  model.ListReceived(kResource, devices);
  EXPECT_THAT(model.Resources(), ElementsAre(Pair(kResource, Counts{3, 2, true})));
  EXPECT_THAT(model.Healthy(kResource), ElementsAre("x", "y"));
}

TEST(ModelTest, AListReplacesEverythingAndDoubleIdsCollapse) {
  Model model;
  Register(model, 1);
  model.ListReceived(kResource, HealthyDevices({"x", "y"}));
  model.ListReceived(kResource, HealthyDevices({"z", "z"}));
  EXPECT_THAT(model.Healthy(kResource), ElementsAre("z"));
}

TEST(ModelTest, AnIdThatIsListedAsHealthyAndAsUnhealthyIsBoth) {
  Model model;
  Register(model, 1);
  model.ListReceived(kResource, {{.id = "x", .healthy = true, .numa_nodes = {}},
                                 {.id = "x", .healthy = false, .numa_nodes = {}}});
  EXPECT_THAT(model.Resources(), ElementsAre(Pair(kResource, Counts{2, 1, true})));
  EXPECT_THAT(model.Healthy(kResource), ElementsAre("x"));
  // The kubelet keeps two sets, which become one when the plugin goes away.
  model.StreamEnded(kResource, kStart);
  EXPECT_THAT(model.Resources(), ElementsAre(Pair(kResource, Counts{1, 0, false})));
}

TEST(ModelTest, AnEmptyListIsCapacityZeroAtOnce) {
  Model model;
  Register(model, 1);
  model.ListReceived(kResource, HealthyDevices({"x"}));
  model.ListReceived(kResource, {});
  EXPECT_THAT(model.Resources(), ElementsAre(Pair(kResource, Counts{0, 0, true})));
  EXPECT_TRUE(model.IsRegistered(kResource));
}

TEST(ModelTest, TheEndOfTheStreamMakesAllDevicesUnhealthyAndKeepsCapacity) {
  Model model;
  Register(model, 1);
  model.ListReceived(kResource, HealthyDevices({"x", "y"}));
  EXPECT_EQ(model.StreamEnded(kResource, kStart), ClientId{1});
  EXPECT_THAT(model.Resources(), ElementsAre(Pair(kResource, Counts{2, 0, false})));
  EXPECT_TRUE(model.FindEndpoint(kResource)->stopped());
}

TEST(ModelTest, TheEndOfAnOldStreamDisconnectsWhoeverIsRegisteredNow) {
  Model model;
  Register(model, 1);
  model.ListReceived(kResource, HealthyDevices({"x", "y"}));
  Register(model, 2);
  model.ListReceived(kResource, HealthyDevices({"x", "y", "z"}));

  EXPECT_EQ(model.StreamEnded(kResource, kStart), ClientId{2});
  EXPECT_THAT(model.Resources(), ElementsAre(Pair(kResource, Counts{3, 0, false})));
  // The stream of the newer one then ends, too; nobody is left to disconnect.
  EXPECT_EQ(model.StreamEnded(kResource, kStart), std::nullopt);
}

TEST(ModelTest, InAKubeletWithTheFixTheEndOfAnOldStreamChangesNothing) {
  Model model;
  Register(model, 1);
  Register(model, 2);
  model.ListReceived(kResource, HealthyDevices({"x", "y", "z"}));

  EXPECT_EQ(model.OwnStreamEnded(kResource, 1, kStart), std::nullopt);
  EXPECT_THAT(model.Resources(), ElementsAre(Pair(kResource, Counts{3, 3, true})));
  EXPECT_EQ(model.OwnStreamEnded(kResource, 2, kStart), ClientId{2});
  EXPECT_THAT(model.Resources(), ElementsAre(Pair(kResource, Counts{3, 0, false})));
  EXPECT_EQ(model.OwnStreamEnded("example.com/unknown", 1, kStart), std::nullopt);
}

TEST(ModelTest, TheEndOfAnOldStreamDisconnectsAPluginThatIsBeingDialled) {
  Model model;
  Register(model, 1);
  model.ConnectStarted(kResource, 2);
  EXPECT_EQ(model.StreamEnded(kResource, kStart), ClientId{2});
}

TEST(ModelTest, AnOldStreamThatIsStillOpenOverwritesTheListOfTheNewerOne) {
  Model model;
  Register(model, 1);
  Register(model, 2);
  model.ListReceived(kResource, HealthyDevices({"new1", "new2"}));
  model.ListReceived(kResource, HealthyDevices({"old"}));
  EXPECT_THAT(model.Healthy(kResource), ElementsAre("old"));
}

TEST(ModelTest, AFailedRegistrationOfAnUnknownResourceLeavesNothing) {
  Model model;
  model.ConnectStarted(kResource, 1);
  EXPECT_THAT(model.Resources(), IsEmpty());
  model.ConnectFailed(kResource);
  EXPECT_THAT(model.Resources(), IsEmpty());
}

TEST(ModelTest, AfterAFailedRegistrationTheEndOfTheOldStreamGoesUnnoticed) {
  Model model;
  Register(model, 1);
  model.ListReceived(kResource, HealthyDevices({"x"}));
  model.ConnectStarted(kResource, 2);
  model.ConnectFailed(kResource);
  EXPECT_EQ(model.StreamEnded(kResource, kStart), std::nullopt);
  EXPECT_THAT(model.Resources(), ElementsAre(Pair(kResource, Counts{1, 1, true})));
}

TEST(ModelTest, AResourceIsForgottenOnlyAfterTheGracePeriod) {
  Model model;
  Register(model, 1);
  model.ListReceived(kResource, HealthyDevices({"x"}));
  model.StreamEnded(kResource, kStart);

  EXPECT_FALSE(model.ForgetExpired(kStart + kStopGracePeriod));
  EXPECT_THAT(model.Resources(), ElementsAre(Pair(kResource, Counts{1, 0, false})));

  EXPECT_TRUE(model.ForgetExpired(kStart + kStopGracePeriod + std::chrono::milliseconds(1)));
  EXPECT_FALSE(model.IsRegistered(kResource));
  EXPECT_THAT(model.HealthyByResource(), IsEmpty());
  // The node goes on showing it, with 0.
  EXPECT_THAT(model.Resources(), ElementsAre(Pair(kResource, Counts{0, 0, false})));
  EXPECT_FALSE(model.ForgetExpired(kStart + 2 * kStopGracePeriod));
}

TEST(ModelTest, RegistrationWithinTheGracePeriodCancelsIt) {
  Model model;
  Register(model, 1);
  model.ListReceived(kResource, HealthyDevices({"x"}));
  model.StreamEnded(kResource, kStart);
  Register(model, 2);
  model.ListReceived(kResource, HealthyDevices({"x"}));
  EXPECT_FALSE(model.ForgetExpired(kStart + 2 * kStopGracePeriod));
  EXPECT_THAT(model.Resources(), ElementsAre(Pair(kResource, Counts{1, 1, true})));
}

TEST(ModelTest, RegistrationAfterTheGracePeriodBringsTheResourceBack) {
  Model model;
  Register(model, 1);
  model.ListReceived(kResource, HealthyDevices({"x"}));
  model.StreamEnded(kResource, kStart);
  ASSERT_TRUE(model.ForgetExpired(kStart + 2 * kStopGracePeriod));
  Register(model, 2);
  model.ListReceived(kResource, HealthyDevices({"x"}));
  EXPECT_THAT(model.Resources(), ElementsAre(Pair(kResource, Counts{1, 1, true})));
}

TEST(ModelTest, AfterARestartResourcesHaveNoDevicesAndTheirGracePeriodRuns) {
  Model model;
  Register(model, 1);
  model.ListReceived(kResource, HealthyDevices({"x"}));
  model.Restart({kResource}, kStart);
  EXPECT_THAT(model.Resources(), ElementsAre(Pair(kResource, Counts{0, 0, false})));
  EXPECT_TRUE(model.IsRegistered(kResource));
  EXPECT_TRUE(model.ForgetExpired(kStart + kStopGracePeriod + std::chrono::seconds(1)));
}

}  // namespace
}  // namespace nodedevice::devicemanager
