#include "devicemanager/status_report.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace nodedevice::devicemanager {
namespace {

using ::testing::HasSubstr;

// A resource with 2 of 3 devices healthy, one of them held by a pod.
State Node() {
  State state;
  state.starts = 1;
  state.model.Connected("example.com/a", 1, {});
  state.model.ListReceived("example.com/a", {{.id = "x", .healthy = true, .numa_nodes = {}},
                                             {.id = "y", .healthy = true, .numa_nodes = {}},
                                             {.id = "z", .healthy = false, .numa_nodes = {}}});
  state.pods["u1"] = {.name = "p", .namespace_name = "default", .uid = "u1", .containers = {}};
  state.pod_devices.Insert("u1", "main", "example.com/a",
                           {.by_node = {{kNoNumaNode, {"x"}}}, .response = ""});
  return state;
}

TEST(StatusReportTest, AWantIsAResourceWithOrWithoutACount) {
  EXPECT_EQ(*ParseWant("example.com/a"), std::pair(std::string("example.com/a"), 1));
  EXPECT_EQ(*ParseWant("example.com/a=12"), std::pair(std::string("example.com/a"), 12));
  EXPECT_THAT(std::string(ParseWant("example.com/a=x").status().message()),
              HasSubstr("'x' is not a number of devices"));
  EXPECT_FALSE(ParseWant("example.com/a=-1").ok());
  EXPECT_FALSE(ParseWant("example.com/a=").ok());
  EXPECT_FALSE(ParseWant("nothing").ok());
}

TEST(StatusReportTest, AWantIsSatisfiedByAllocatableDevicesOnly) {
  EXPECT_TRUE(Satisfied(Node(), {{"example.com/a", 2}}));
  EXPECT_EQ(Missing(Node(), {{"example.com/a", 3}}), "example.com/a: 2 allocatable of 3 wanted");
  EXPECT_EQ(Missing(Node(), {{"example.com/a", 3}, {"example.com/b", 1}}),
            "example.com/a: 2 allocatable of 3 wanted; "
            "example.com/b: 0 allocatable of 1 wanted, no plugin is connected");
}

TEST(StatusReportTest, AWantOfZeroIsSatisfiedByAConnectedPlugin) {
  EXPECT_TRUE(Satisfied(Node(), {{"example.com/a", 0}}));
  EXPECT_FALSE(Satisfied(Node(), {{"example.com/b", 0}}));
}

TEST(StatusReportTest, JsonShowsResourcesAndPods) {
  EXPECT_EQ(StatusJson(Node()).dump(),
            R"({"starts":1,"resources":[{"name":"example.com/a","capacity":3,"allocatable":2,)"
            R"("allocated":1,"connected":true}],"pods":[{"namespace":"default","name":"p",)"
            R"("uid":"u1","devices":{"main":{"example.com/a":["x"]}}}]})");
}

TEST(StatusReportTest, APodThatOnlyTheCheckpointKnowsIsShownByItsUid) {
  State state;
  state.pod_devices.Insert("u2", "main", "r", {.by_node = {{kNoNumaNode, {"x"}}}, .response = ""});
  EXPECT_EQ(StatusJson(state)["pods"].dump(),
            R"([{"namespace":"","name":"","uid":"u2","devices":{"main":{"r":["x"]}}}])");
}

TEST(StatusReportTest, TheTableAlignsItsColumns) {
  EXPECT_EQ(StatusTable(StatusJson(Node())),
            "RESOURCE        CAPACITY   ALLOCATABLE   ALLOCATED   CONNECTED\n"
            "example.com/a   3          2             1           yes\n");
}

TEST(StatusReportTest, FaultsAndAShiftedClockAreShownWhileTheyLast) {
  State state;
  state.faults.refuse_dial = true;
  state.clock_ahead = std::chrono::minutes(5);
  EXPECT_EQ(StatusJson(state).dump(),
            R"({"starts":0,"resources":[],"pods":[],"faults":{"refuse-dial":"on"},)"
            R"("clockAheadSeconds":300.0})");
  EXPECT_EQ(StatusTable(StatusJson(state)),
            "RESOURCE   CAPACITY   ALLOCATABLE   ALLOCATED   CONNECTED\n"
            "fault: refuse-dial on\n"
            "clock: 300 s ahead\n");
}

TEST(StatusReportTest, TheTableOfNothingIsItsHead) {
  EXPECT_EQ(StatusTable(nlohmann::ordered_json::object()),
            "RESOURCE   CAPACITY   ALLOCATABLE   ALLOCATED   CONNECTED\n");
}

}  // namespace
}  // namespace nodedevice::devicemanager
