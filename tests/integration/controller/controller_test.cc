// What the controller does in a cluster, and what others do to it there.

#include <signal.h>

#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "tests/integration/controller/controller_fixture.h"

namespace nodedevice::testing {
namespace {

using Json = nlohmann::json;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

class OneConfigTest : public ControllerTest {
 protected:
  void SetUp() override {
    Configure("shop", ConfigFor("a", "one"));
    Start();
    ASSERT_TRUE(WaitFor([this] { return server_.Find(DaemonSetOf("shop")).has_value(); }));
    BeWell("shop", {"w1", "w2"});
    ASSERT_TRUE(Becomes("shop", "Available", "True AllNodesReady"));
    ASSERT_TRUE(Becomes("shop", "Progressing", "False AsDesired"));
  }

  // The controller has thought about the newest state of the cluster and found nothing to do.
  void ExpectQuiet() {
    const int writes = Writes();
    const auto plans = [this] {
      const std::string metrics = Get("/metrics").body;
      const std::string name = "\nnodedevice_controller_plan_duration_seconds_count ";
      return std::atoi(metrics.c_str() + metrics.find(name) + name.size());
    };
    const int before = plans();
    Json node = server_.Find("/api/v1/nodes/w1").value();
    node["metadata"]["labels"]["touched"] = absl::StrCat(before);
    server_.Put("/api/v1/nodes/w1", node);
    EXPECT_TRUE(WaitFor([&] { return plans() > before; }));
    EXPECT_EQ(Writes(), writes);
  }
};

TEST_F(OneConfigTest, RunsAgentsOnTheNodesAndSumsUp) {
  const Json set = server_.Find(DaemonSetOf("shop")).value();
  EXPECT_EQ(set["spec"]["template"]["spec"]["containers"][0]["image"], "registry.example/agent:1");
  EXPECT_EQ(set["metadata"]["ownerReferences"][0]["name"], "shop");
  const Json status = server_.Find(PathOf("shop")).value()["status"];
  EXPECT_EQ(status["nodes"], 2);
  EXPECT_EQ(status["ready"], 2);
  EXPECT_EQ(status["resources"][0]["announced"], 2);
  EXPECT_TRUE(Tells("ConfigAccepted"));
  EXPECT_TRUE(Tells("Available"));
  ExpectQuiet();
}

TEST_F(OneConfigTest, AnotherOneInItsPlaceHasNothingToDo) {
  controller_->Signal(SIGTERM);
  EXPECT_EQ(controller_->Wait(), 0);
  EXPECT_EQ(server_.Find(kLease).value()["spec"]["holderIdentity"], "") << "it was given back";
  const int writes = Writes();
  Start();
  EXPECT_TRUE(IsReady());
  ExpectQuiet();
  EXPECT_EQ(Writes(), writes);
}

TEST_F(OneConfigTest, PutsBackWhatSomebodyChanged) {
  Json set = server_.Find(DaemonSetOf("shop")).value();
  set["spec"]["template"]["spec"]["priorityClassName"] = "low";
  server_.Put(DaemonSetOf("shop"), set);
  EXPECT_TRUE(WaitFor([this] {
    return server_.Find(DaemonSetOf("shop"))
               .value()["spec"]["template"]["spec"]["priorityClassName"] != "low";
  }));
  EXPECT_TRUE(Tells("ObjectChanged"));
  server_.Remove(DaemonSetOf("shop"));
  EXPECT_TRUE(WaitFor([this] { return server_.Find(DaemonSetOf("shop")).has_value(); }));
  EXPECT_TRUE(Tells("ObjectDeleted"));
}

TEST_F(OneConfigTest, ANodeThatLeavesIsForgotten) {
  server_.Put("/api/v1/nodes/w2", NodeWith({{"rack", "b"}}));
  ASSERT_TRUE(
      WaitFor([this] { return server_.Find(PathOf("shop")).value()["status"]["nodes"] == 1; }));
  EXPECT_TRUE(server_.Find(absl::StrCat(kStates, "/w2.shop")).has_value())
      << "while its agent runs";
  server_.Remove("/api/v1/namespaces/node-device/pods/agent-shop-w2");
  EXPECT_TRUE(
      WaitFor([this] { return !server_.Find(absl::StrCat(kStates, "/w2.shop")).has_value(); }));
  EXPECT_TRUE(server_.Find(absl::StrCat(kStates, "/w1.shop")).has_value());
}

TEST_F(OneConfigTest, WithoutTheConfigurationNoDaemonSetIsLeft) {
  server_.Remove(PathOf("shop"));
  EXPECT_TRUE(WaitFor([this] { return server_.In(kDaemonSets).empty(); }));
}

TEST_F(OneConfigTest, ASecondConfigurationForTheSameIsRefused) {
  Json other = ConfigFor("a", "one");
  other["metadata"]["creationTimestamp"] = "2026-01-02T00:00:00Z";
  Configure("other", other);
  EXPECT_TRUE(Becomes("other", "ConfigAccepted", "False ResourceConflict"));
  EXPECT_THAT(server_.In(kDaemonSets), SizeIs(1));
  EXPECT_EQ(Condition("shop", "Degraded"), "False AsExpected");
  EXPECT_TRUE(Tells("ResourceConflict"));
}

TEST_F(OneConfigTest, MetricsAreClean) {
  ASSERT_TRUE(MetricsSay("nodedevice_controller_leader 1"));
  EXPECT_TRUE(MetricsSay(R"(nodedevice_pool_nodes{config="shop",pool="",state="ready"} 2)"));
  EXPECT_TRUE(MetricsSay(
      R"(nodedevice_fleet_devices{config="shop",resource="example.com/one",state="healthy"} 2)"));
  EXPECT_TRUE(
      MetricsSay(R"(nodedevice_config_condition{config="shop",type="Available",status="True"} 1)"));
  EXPECT_THAT(Get("/metrics").body,
              HasSubstr("nodedevice_controller_writes_total{kind=\"DaemonSet\",verb=\"apply\","
                        "result=\"ok\"} 1"));
  const std::string file = dir_.Write("metrics", Get("/metrics").body).string();
  if (std::system("command -v promtool > /dev/null") != 0) {
    GTEST_SKIP() << "there is no promtool here";
  }
  EXPECT_EQ(std::system(("promtool check metrics < " + file).c_str()), 0);
}

TEST_F(OneConfigTest, AnApiServerThatIsAwayTakesNothingAway) {
  server_.Refuse("", 503);
  server_.EndStreams();
  EXPECT_TRUE(WaitFor([this] { return Get("/readyz").status == 503; }));
  EXPECT_THAT(Get("/healthz").body, "ok\n");
  server_.Refuse("", 0);
  // It may have lost its lease meanwhile, and then ends to be started again.
  if (!WaitFor([this] { return Get("/readyz").status == 200 || HasEnded(controller_->pid()); })) {
    FAIL() << Get("/readyz").body;
  }
  EXPECT_TRUE(server_.Find(DaemonSetOf("shop")).has_value());
  EXPECT_EQ(Condition("shop", "Available"), "True AllNodesReady");
}

TEST_F(OneConfigTest, EndsWhenItHasLostTheLease) {
  server_.Refuse("PUT " + std::string(kLease), 503);
  EXPECT_EQ(controller_->Wait(), 1);
  EXPECT_THAT(Log(), HasSubstr("does not lead any more"));
}

TEST_F(ControllerTest, WhatAPolicyRefusesIsSaidAndTriedAgain) {
  Configure("shop", ConfigFor("a", "one"));
  server_.Refuse("PATCH " + std::string(kDaemonSets), 403);
  Start();
  EXPECT_TRUE(Becomes("shop", "Degraded", "True DaemonSetNotWritten"));
  EXPECT_TRUE(Tells("DaemonSetNotWritten"));
  EXPECT_TRUE(MetricsSay("nodedevice_controller_failing_writes 1"));
  // Others are not held up by it.
  Configure("other", ConfigFor("b", "two"));
  EXPECT_TRUE(Becomes("other", "Degraded", "False AsExpected") ||
              Becomes("other", "Degraded", "True DaemonSetNotWritten"));
  server_.Refuse("PATCH " + std::string(kDaemonSets), 0);
  ASSERT_TRUE(WaitFor([this] { return server_.Find(DaemonSetOf("shop")).has_value(); }));
  BeWell("shop", {"w1", "w2"});
  EXPECT_TRUE(Becomes("shop", "Degraded", "False AsExpected"));
}

TEST_F(ControllerTest, OneOfTwoLeadsAndTheOtherTakesOver) {
  Configure("shop", ConfigFor("a", "one"));
  Start();
  ASSERT_TRUE(IsReady());
  const std::unique_ptr<Program> second = Launch("controller-y");
  ASSERT_TRUE(WaitFor([&] { return second->Output().find("serving http") != std::string::npos; }));
  Json set;
  ASSERT_TRUE(WaitFor([&] {
    set = server_.Find(DaemonSetOf("shop")).value_or(Json());
    return !set.is_null();
  }));
  EXPECT_THAT(second->Output(), Not(HasSubstr("leading")));
  controller_->Signal(SIGTERM);
  EXPECT_EQ(controller_->Wait(), 0);
  EXPECT_TRUE(WaitFor([&] { return second->Output().find("leading") != std::string::npos; }));
  EXPECT_EQ(server_.Find(DaemonSetOf("shop")).value()["metadata"]["uid"], set["metadata"]["uid"]);
  second->Signal(SIGTERM);
  EXPECT_EQ(second->Wait(), 0) << second->Output();
}

TEST_F(ControllerTest, WaitsUntilItKnowsTheWholeCluster) {
  Configure("shop", ConfigFor("a", "one"));
  server_.Refuse("GET /api/v1/nodes", 403);
  Start();
  EXPECT_TRUE(WaitFor([this] {
    return Get("/readyz").body.find("the controller's ServiceAccount lacks its ClusterRole") !=
           std::string::npos;
  }));
  EXPECT_THAT(Get("/readyz").body, HasSubstr("not listed yet: Nodes"));
  EXPECT_EQ(server_.Count("PATCH "), 0);
  server_.Refuse("GET /api/v1/nodes", 0);
  EXPECT_TRUE(WaitFor([this] { return server_.Find(DaemonSetOf("shop")).has_value(); }));
}

TEST_F(ControllerTest, ServesHealthOnAnyAddressWithoutMetrics) {
  Start({"--health-listen", "0.0.0.0:0"});
  ASSERT_TRUE(LogSays("leading"));
  const std::string log = Log();
  const std::string mark = "probes on 0.0.0.0:";
  ASSERT_THAT(log, HasSubstr(mark));
  const auto port =
      static_cast<std::uint16_t>(std::atoi(log.c_str() + log.find(mark) + mark.size()));
  EXPECT_EQ(HttpGet(port, "/healthz").body, "ok\n");
  EXPECT_EQ(HttpGet(port, "/metrics").status, 404);
}

}  // namespace
}  // namespace nodedevice::testing
