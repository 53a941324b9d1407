#include "controller/routes.h"

#include "controller/metrics.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "lib/metrics/text_format.h"

namespace nodedevice::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

TEST(ControllerRoutesTest, AStandbyIsReady) {
  ControllerSnapshot snapshot;
  snapshot.missing = {"Nodes"};  // it does not look
  EXPECT_THAT(NotReadyReasons(snapshot), IsEmpty());
  snapshot.lease_problem = "connection refused";
  EXPECT_THAT(NotReadyReasons(snapshot),
              ElementsAre("the lease cannot be looked at: connection refused"));
}

TEST(ControllerRoutesTest, ALeaderIsReadyWhenItKnowsAndFollowsTheCluster) {
  ControllerSnapshot snapshot;
  snapshot.leads = true;
  EXPECT_THAT(NotReadyReasons(snapshot), IsEmpty());
  snapshot.missing = {"Nodes", "Pods"};
  snapshot.problems = {"Nodes: 403"};
  EXPECT_THAT(NotReadyReasons(snapshot), ElementsAre("Nodes: 403", "not listed yet: Nodes, Pods"));
}

TEST(ControllerRoutesTest, ALoopThatHangsIsNotAlive) {
  ControllerSnapshot snapshot;
  snapshot.looked_at = TimePoint(std::chrono::hours(1));
  EXPECT_THAT(NotAliveReasons(snapshot, snapshot.looked_at + std::chrono::seconds(59)), IsEmpty());
  EXPECT_THAT(NotAliveReasons(snapshot, snapshot.looked_at + std::chrono::seconds(60)),
              ElementsAre("the event loop has not come round for 1 min"));
}

TEST(ControllerMetricsTest, AStandbySaysNothingOfTheCluster) {
  ControllerSnapshot snapshot;
  snapshot.statuses = {{"shop", {{"pools", {{{"name", "worker"}, {"nodes", 2u}}}}}}};
  std::string text = ToMetricsText(ToMetrics(snapshot, {}));
  EXPECT_THAT(text, HasSubstr("nodedevice_controller_leader 0"));
  EXPECT_THAT(text, Not(HasSubstr("nodedevice_pool_nodes")));
  snapshot.leads = true;
  text = ToMetricsText(ToMetrics(snapshot, {}));
  EXPECT_THAT(text,
              HasSubstr(R"(nodedevice_pool_nodes{config="shop",pool="worker",state="all"} 2)"));
}

TEST(ControllerMetricsTest, CountsRequestsByVerbAndStatus) {
  RequestStatistics requests;
  requests.Add("GET", 200, std::chrono::milliseconds(3));
  requests.Add("GET", 200, std::chrono::milliseconds(300));
  requests.Add("PATCH", 409, std::chrono::milliseconds(1));
  const std::string text = ToMetricsText(ToMetrics({}, requests.Get()));
  EXPECT_THAT(text,
              HasSubstr(R"(nodedevice_controller_api_requests_total{verb="GET",code="200"} 2)"));
  EXPECT_THAT(text,
              HasSubstr(R"(nodedevice_controller_api_requests_total{verb="PATCH",code="409"} 1)"));
  EXPECT_THAT(
      text,
      HasSubstr(
          R"(nodedevice_controller_api_request_duration_seconds_bucket{verb="GET",le="0.005"} 1)"));
}

}  // namespace
}  // namespace nodedevice::testing
