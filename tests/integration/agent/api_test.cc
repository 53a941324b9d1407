// The agent that is given a name instead of a file: what it does, and what it says.

#include <signal.h>

#include "tests/integration/agent/api_fixture.h"
#include "tests/support/connected_client.h"
#include "tests/support/test_certificates.h"

namespace nodedevice::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kTokenReviews[] = "/apis/authentication.k8s.io/v1/tokenreviews";
constexpr char kAccessReviews[] = "/apis/authorization.k8s.io/v1/subjectaccessreviews";

TEST_F(AgentInTheApiTest, RunsThePluginsOfTheObjectAndReportsThere) {
  StartDeviceManager();
  Configure({"a"});
  StartAgent();
  ASSERT_TRUE(BecomesReady("a"));
  EXPECT_TRUE(WaitFor([this] { return Allocatable("a") == 1; }));
  EXPECT_TRUE(WaitFor(
      [this] { return Status()["deviceManager"].value("kubeletVersion", "") == "v1.33.2"; }));
  EXPECT_TRUE(WaitFor([this] {
    const Json resources = Status().value("resources", Json::array());
    return !resources.empty() && resources[0].value("accepted", 0) == 1;
  }));
  const Json status = Status();
  EXPECT_EQ(status["observedGeneration"], 1);
  EXPECT_EQ(status["agent"]["podName"], "agent-x");
  EXPECT_EQ(status["resources"][0], Json::parse(R"({"resourceName": "example.com/a",
                                                    "announced": 1, "healthy": 1,
                                                    "accepted": 1, "allocated": 0})"));
  EXPECT_EQ((*server_.Find(kState))["metadata"]["ownerReferences"][0]["uid"],
            (*server_.Find(kRig))["metadata"]["uid"]);

  Configure({"b"});
  ASSERT_TRUE(BecomesReady("b"));
  EXPECT_TRUE(WaitFor([this] { return Allocatable("b") == 1; }));
  EXPECT_TRUE(WaitFor([this] { return Allocatable("a") == 0; }));
  EXPECT_EQ(Status()["observedGeneration"], 2);
  EXPECT_TRUE(WaitFor([this] { return !server_.In(kEvents).empty(); }));
  EXPECT_EQ(server_.In(kEvents)[0]["regarding"]["name"], "w7.rig");
  EXPECT_TRUE(MetricsSay("nodedevice_config_stale 0"));
  EXPECT_THAT(Log(), Not(HasSubstr("cannot be asked")));
}

TEST_F(AgentInTheApiTest, SaysWhyTheDeviceManagerIsDownUntilItIsUp) {
  const std::string domain = "machineconfiguration.openshift.io/";
  server_.Put("/api/v1/nodes/w7", {{"metadata", {{"annotations", {{domain + "state", "Working"}}}}},
                                   {"status",
                                    {{"nodeInfo", {{"kubeletVersion", "v1.33.2"}}},
                                     {"conditions", {{{"type", "Ready"}, {"status", "True"}}}}}}});
  const std::string why =
      "node w7 is being updated by the machine-config-operator (state Working): the kubelet comes "
      "back when that is done";
  Configure({"a"});
  StartAgent();
  const auto explanation = [this] {
    return Status().value("deviceManager", Json::object()).value("explanation", Json::array());
  };
  ASSERT_TRUE(WaitFor([&] { return explanation() == Json::array({why}); }));
  EXPECT_THAT(Get("/readyz").body, HasSubstr(why));
  StartDeviceManager();
  ASSERT_TRUE(BecomesReady("a"));
  EXPECT_EQ(explanation(), Json::array());
}

TEST_F(AgentInTheApiTest, SaysThatTwoEntriesAnnounceOneDeviceUntilOneDoesNotAnyMore) {
  dir_.MakeNode("dev/x");
  dir_.MakeNode("dev/y");
  const auto configure = [this](const char* a, const char* b) {
    Json config = ConfigOf({"a", "b"});
    const char* paths[] = {a, b};
    for (std::size_t i = 0; i < 2; ++i) {
      Json& device = config["spec"]["plugins"][i]["static"]["devices"][0];
      device["nodes"] = Json::array({{{"path", paths[i]}}});
    }
    server_.Put(kRig, config);
  };
  const auto conflict = [this] {
    for (const Json& condition : Status().value("conditions", Json::array())) {
      if (condition["type"] == "EntriesConflict") return condition;
    }
    return Json();
  };
  StartDeviceManager();
  configure("/dev/x", "/dev/x");
  StartAgent();
  ASSERT_TRUE(BecomesReady("a")) << "a conflict stops nobody";
  ASSERT_TRUE(WaitFor([&] { return conflict().is_object(); }));
  EXPECT_EQ(conflict()["status"], "True");
  EXPECT_EQ(conflict()["reason"], "DeviceAnnouncedTwice");
  const std::string what =
      "/dev/x is announced as example.com/a and as example.com/b (plugins a and b): ";
  EXPECT_THAT(conflict()["message"].get<std::string>(), HasSubstr(what));
  EXPECT_THAT(Get("/").body, HasSubstr(what));
  EXPECT_TRUE(LogSays("entries in conflict: " + what));
  EXPECT_TRUE(WaitFor([this] { return Allocatable("a") == 1 && Allocatable("b") == 1; }));

  configure("/dev/x", "/dev/y");
  EXPECT_TRUE(WaitFor([&] { return BecomesReady("a") && conflict().is_null(); }));
  EXPECT_TRUE(LogSays("no entry is in conflict with another one any more"));
}

TEST_F(AgentInTheApiTest, KeepsEverythingWhileTheApiServerIsAwayAndSaysSo) {
  StartDeviceManager();
  Configure({"a"});
  StartAgent();
  ASSERT_TRUE(BecomesReady("a"));
  const Json pid = Status()["plugins"][0]["pid"];
  server_.Refuse("", 503);
  server_.EndStreams();
  ASSERT_TRUE(MetricsSay("nodedevice_config_stale 1"));
  EXPECT_TRUE(LogSays("the API server cannot be asked for DevicePluginConfig rig: "));
  EXPECT_THAT(Get("/").body, AllOf(HasSubstr("The API server cannot be asked for"),
                                   HasSubstr("the last configuration stays in force")));
  EXPECT_EQ(Get("/readyz").status, 200);
  server_.Refuse("", 0);
  ASSERT_TRUE(MetricsSay("nodedevice_config_stale 0"));
  EXPECT_TRUE(LogSays("the API server answers, following DevicePluginConfig rig"));
  EXPECT_THAT(Get("/").body, Not(HasSubstr("The API server cannot be asked for")));
  EXPECT_EQ(Status()["plugins"][0]["pid"], pid);
}

TEST_F(AgentInTheApiTest, StartsWithoutTheApiServerAndWaitsForIt) {
  server_.Hang(true);
  StartDeviceManager();
  Configure({"a"});
  StartAgent();
  EXPECT_EQ(Get("/healthz").status, 200);
  EXPECT_TRUE(
      Says("/readyz", "no configuration was accepted yet: the API server has not answered yet"));
  EXPECT_TRUE(MetricsSay("nodedevice_config_stale 1"));
  server_.Hang(false);
  EXPECT_TRUE(BecomesReady("a"));
}

TEST_F(AgentInTheApiTest, LeavesALastStateWhenItEnds) {
  StartDeviceManager();
  Configure({"a"});
  StartAgent();
  ASSERT_TRUE(BecomesReady("a"));
  agent_->Signal(SIGTERM);
  EXPECT_EQ(agent_->Wait(), 0);
  EXPECT_EQ(Ready(), "False AgentStopping");
  EXPECT_TRUE(Status()["plugins"].empty());
}

TEST_F(AgentInTheApiTest, EndsWhenTheApiServerDoesNotAnswer) {
  StartDeviceManager();
  Configure({"a"});
  StartAgent();
  ASSERT_TRUE(BecomesReady("a"));
  server_.Hang(true);
  const auto asked = std::chrono::steady_clock::now();
  agent_->Signal(SIGTERM);
  EXPECT_EQ(agent_->Wait(), 0);
  // A request that is not answered is given up after 30 s; a pod is given 30 s to end.
  EXPECT_LT(std::chrono::steady_clock::now() - asked, std::chrono::seconds(20));
  EXPECT_THAT(Log(), HasSubstr("every plugin has ended"));
  EXPECT_EQ(Ready(), "True AllRegistered") << "nothing was written";
}

TEST_F(AgentInTheApiTest, AsksTheApiWhoMayReadTheMetrics) {
  server_.AnswerPost(kTokenReviews, [](const Json& review) -> Json {
    const std::string token = review["spec"]["token"];
    if (token == "wrong") return {{"status", {{"authenticated", false}}}};
    return {{"status", {{"authenticated", true}, {"user", {{"username", token}}}}}};
  });
  server_.AnswerPost(kAccessReviews, [](const Json& review) -> Json {
    return {{"status", {{"allowed", review["spec"]["user"] == "prometheus"}}}};
  });
  const TestAuthority authority;
  const TestCertificate own = authority.Server();
  StartAgent({"--tls-cert", dir_.Write("tls.crt", own.certificate).string(), "--tls-key",
              dir_.Write("tls.key", own.key).string()});
  const auto ask = [&](const std::string& token) {
    ConnectedClient client(port_, {.ca = authority.pem()});
    return client.Get("/metrics", token.empty() ? "" : "Authorization: Bearer " + token + "\r\n");
  };
  EXPECT_EQ(ask("").status, 401);
  EXPECT_EQ(ask("wrong").status, 401);
  EXPECT_EQ(ask("nobody").status, 403);
  EXPECT_THAT(ask("nobody").body, HasSubstr("nobody may not read this"));
  const HttpAnswer metrics = ask("prometheus");
  EXPECT_EQ(metrics.status, 200);
  EXPECT_THAT(metrics.body, HasSubstr("nodedevice_build_info"));
  // Known by now.
  EXPECT_EQ(ask("prometheus").status, 200);
  EXPECT_EQ(server_.Count(std::string("POST ") + kAccessReviews), 2);
  // Whatever strangers send, the agent lives.
  EXPECT_EQ(ask("\xff\xfe").status, 401);
  EXPECT_EQ(ask("prometheus").status, 200);
  server_.Refuse("POST", 503);
  EXPECT_EQ(ask("another").status, 503);
}

TEST_F(AgentInTheApiTest, SaysWhyItCannotBegin) {
  const auto problem = [this](const std::string& kubeconfig) {
    const ProgramResult result = RunProgram({"node-device-agent", "--config-name", "rig",
                                             "--kubeconfig", kubeconfig, "--listen", "127.0.0.1:0"},
                                            dir_.path() / "refused.log");
    EXPECT_EQ(result.code, 1);
    return result.output;
  };
  EXPECT_THAT(problem(dir_.path() / "none"), HasSubstr("No such file or directory"));
  EXPECT_THAT(problem(dir_.Write("odd", "[]")), HasSubstr("is not a kubeconfig"));
}

}  // namespace
}  // namespace nodedevice::testing
