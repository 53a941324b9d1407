#include "controller/config_events.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace nodedevice::testing {
namespace {

using Json = nlohmann::json;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct State {
  std::string accepted = "True";
  std::string accepted_reason = "Accepted";
  std::string degraded = "False";
  std::string degraded_reason = "AsExpected";
  std::string available = "True";
};

Json Status(const State& state) {
  const auto condition = [](const char* type, const std::string& status,
                            const std::string& reason) {
    return Json({{"type", type}, {"status", status}, {"reason", reason}, {"message", "why"}});
  };
  return {{"conditions",
           {condition("Available", state.available, "SomeReason"),
            condition("ConfigAccepted", state.accepted, state.accepted_reason),
            condition("Degraded", state.degraded, state.degraded_reason)}}};
}

std::vector<std::string> Told(const Json& before, const State& after) {
  std::vector<std::string> told;
  for (const ApiEvent& event : EventsBetween(before, Status(after))) {
    EXPECT_EQ(event.note, "why");
    told.push_back((event.warning ? "Warning " : "Normal ") + event.reason);
  }
  return told;
}
std::vector<std::string> Told(const State& before, const State& after) {
  return Told(Status(before), after);
}

TEST(ConfigEventsTest, TellNothingWhenNothingChanged) {
  EXPECT_THAT(Told(State(), State()), IsEmpty());
}

TEST(ConfigEventsTest, ANewConfigurationIsAcceptedAndAvailable) {
  EXPECT_THAT(Told(Json(), State()), ElementsAre("Normal ConfigAccepted", "Normal Available"));
}

TEST(ConfigEventsTest, ARefusalIsToldOnceThoughItDegrades) {
  const State refused = {.accepted = "False",
                         .accepted_reason = "InvalidSpec",
                         .degraded = "True",
                         .degraded_reason = "InvalidSpec"};
  EXPECT_THAT(Told(State(), refused), ElementsAre("Warning InvalidSpec"));
  EXPECT_THAT(Told(refused, refused), IsEmpty());
  State other = refused;
  other.accepted_reason = other.degraded_reason = "ResourceConflict";
  EXPECT_THAT(Told(refused, other), ElementsAre("Warning ResourceConflict"));
  EXPECT_THAT(Told(refused, State()), ElementsAre("Normal ConfigAccepted", "Normal Recovered"));
}

TEST(ConfigEventsTest, ADegradationIsToldForEachReason) {
  const State failing = {.degraded = "True", .degraded_reason = "NodesFailing"};
  EXPECT_THAT(Told(State(), failing), ElementsAre("Warning NodesFailing"));
  State down = failing;
  down.degraded_reason = "DeviceManagerDown";
  EXPECT_THAT(Told(failing, down), ElementsAre("Warning DeviceManagerDown"));
  EXPECT_THAT(Told(down, State()), ElementsAre("Normal Recovered"));
}

TEST(ConfigEventsTest, ItIsToldWhenNothingIsAvailableAnyMore) {
  const State gone = {.available = "False"};
  EXPECT_THAT(Told(State(), gone), ElementsAre("Warning SomeReason"));
  EXPECT_THAT(Told(gone, State()), ElementsAre("Normal Available"));
}

TEST(ConfigEventsTest, DistributingIsNoNews) {
  EXPECT_THAT(Told(State(), {.accepted = "Unknown", .accepted_reason = "Distributing"}), IsEmpty());
}

TEST(ConfigEventsTest, WhatIsPutBackIsNamed) {
  EXPECT_EQ(PutBack("DaemonSet a/b", true).reason, "ObjectDeleted");
  EXPECT_EQ(PutBack("DaemonSet a/b", false).reason, "ObjectChanged");
  EXPECT_THAT(PutBack("DaemonSet a/b", false).note, ::testing::HasSubstr("changed DaemonSet a/b"));
}

}  // namespace
}  // namespace nodedevice::testing
