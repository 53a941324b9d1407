// The agent that is given a name instead of a file: real programs, an API server that behaves.

#include <signal.h>

#include <cstdlib>
#include <memory>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/connected_client.h"
#include "tests/support/fake_api_server.h"
#include "tests/support/http_client.h"
#include "tests/support/program.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_certificates.h"
#include "tests/support/wait_for.h"

namespace nodedevice::testing {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kRig[] = "/apis/nodedevices.io/v1alpha1/devicepluginconfigs/rig";
constexpr char kState[] = "/apis/nodedevices.io/v1alpha1/nodedevicestates/w7.rig";
constexpr char kEvents[] = "/apis/events.k8s.io/v1/namespaces/default/events";
constexpr char kTokenReviews[] = "/apis/authentication.k8s.io/v1/tokenreviews";
constexpr char kAccessReviews[] = "/apis/authorization.k8s.io/v1/subjectaccessreviews";

class AgentInTheApiTest : public ::testing::Test {
 protected:
  AgentInTheApiTest() {
    dir_.Write("kubeconfig", server_.Kubeconfig());
    server_.Put("/api/v1/nodes/w7", {{"status", {{"nodeInfo", {{"kubeletVersion", "v1.33.2"}}}}}});
  }
  ~AgentInTheApiTest() override {
    if (HasFailure() && agent_) std::fprintf(stderr, "---- the agent's log:\n%s", Log().c_str());
  }

  // The configuration of one plugin that announces one device.
  void Configure(const std::string& plugin) {
    server_.Put(kRig, {{"apiVersion", "nodedevices.io/v1alpha1"},
                       {"kind", "DevicePluginConfig"},
                       {"spec",
                        {{"plugins",
                          {{{"name", plugin},
                            {"resourceName", "example.com/" + plugin},
                            {"static", {{"devices", {{{"id", "one"}}}}}}}}}}}});
  }

  void StartDeviceManager() {
    device_manager_ = std::make_unique<Program>(
        std::vector<std::string>{"device-manager", "serve", "--kubelet-dir", kubelet_dir()},
        dir_.path() / "device-manager.log");
    ASSERT_TRUE(WaitFor([this] { return DeviceManagerStatus().is_object(); }));
  }
  json DeviceManagerStatus() const {
    return json::parse(
        RunProgram({"device-manager", "status", "--json", "--kubelet-dir", kubelet_dir()},
                   dir_.path() / "command.out")
            .output,
        nullptr, /*allow_exceptions=*/false);
  }
  // How many devices of a resource the Device Manager would hand out.
  int Allocatable(const std::string& resource) const {
    const json status = DeviceManagerStatus();
    if (!status.is_object()) return -1;
    for (const json& entry : status.value("resources", json::array())) {
      if (entry.value("name", "") == resource) return entry.value("allocatable", -1);
    }
    return -1;
  }

  void StartAgent(const std::vector<std::string>& more = {}) {
    // Under AddressSanitizer: with whole stacks, so that tests/lsan.supp knows what OpenSSL keeps
    // for cpprestsdk's threads until the program ends.
    std::vector<std::string> line = {"/usr/bin/env",
                                     "ASAN_OPTIONS=fast_unwind_on_malloc=0",
                                     NODEDEVICE_BIN_DIR "/node-device-agent",
                                     "--config-name",
                                     "rig",
                                     "--kubeconfig",
                                     (dir_.path() / "kubeconfig").string(),
                                     "--node-name",
                                     "w7",
                                     "--pod-name",
                                     "agent-x",
                                     "--kubelet-dir",
                                     kubelet_dir(),
                                     "--host-root",
                                     dir_.path().string(),
                                     "--listen",
                                     "127.0.0.1:0"};
    line.insert(line.end(), more.begin(), more.end());
    agent_ = std::make_unique<Program>(line, dir_.path() / "agent.log");
    constexpr std::string_view kMark = "://127.0.0.1:";
    ASSERT_TRUE(WaitFor([&] {
      const std::string log = Log();
      const std::size_t serving = log.find("serving http");
      if (serving == std::string::npos || log.find("/ with", serving) == std::string::npos) {
        return false;
      }
      port_ = static_cast<std::uint16_t>(
          std::atoi(log.c_str() + log.find(kMark, serving) + kMark.size()));
      return true;
    }));
  }
  std::string Log() const { return agent_->Output(); }
  bool LogSays(const std::string& text) const {
    return WaitFor([&] { return Log().find(text) != std::string::npos; });
  }
  HttpAnswer Get(const std::string& path) const { return HttpGet(port_, path); }
  bool MetricsSay(const std::string& line) const {
    return WaitFor(
        [&] { return Get("/metrics").body.find("\n" + line + "\n") != std::string::npos; });
  }

  json Status() const {
    const std::optional<json> state = server_.Find(kState);
    return state ? state->value("status", json::object()) : json::object();
  }
  // "True AllRegistered", as it stands in the NodeDeviceState.
  std::string Ready() const {
    for (const json& condition : Status().value("conditions", json::array())) {
      if (condition["type"] != "Ready") continue;
      return absl::StrCat(condition["status"].get<std::string>(), " ",
                          condition["reason"].get<std::string>());
    }
    return "";
  }
  bool BecomesReady(const std::string& plugin) const {
    return WaitFor([&] {
      const json status = Status();
      return Ready() == "True AllRegistered" && !status["plugins"].empty() &&
             status["plugins"][0]["name"] == plugin;
    });
  }

  std::string kubelet_dir() const { return (dir_.path() / "k").string(); }

  const TempDir dir_;
  FakeApiServer server_;
  std::unique_ptr<Program> device_manager_;
  std::unique_ptr<Program> agent_;
  std::uint16_t port_ = 0;
};

TEST_F(AgentInTheApiTest, RunsThePluginsOfTheObjectAndReportsThere) {
  StartDeviceManager();
  Configure("a");
  StartAgent();
  ASSERT_TRUE(BecomesReady("a"));
  EXPECT_TRUE(WaitFor([this] { return Allocatable("example.com/a") == 1; }));
  EXPECT_TRUE(WaitFor(
      [this] { return Status()["deviceManager"].value("kubeletVersion", "") == "v1.33.2"; }));
  EXPECT_TRUE(WaitFor([this] {
    const json resources = Status().value("resources", json::array());
    return !resources.empty() && resources[0].value("accepted", 0) == 1;
  }));
  const json status = Status();
  EXPECT_EQ(status["observedGeneration"], 1);
  EXPECT_EQ(status["agent"]["podName"], "agent-x");
  EXPECT_EQ(status["resources"][0], json::parse(R"({"resourceName": "example.com/a",
                                                    "announced": 1, "healthy": 1,
                                                    "accepted": 1, "allocated": 0})"));
  EXPECT_EQ((*server_.Find(kState))["metadata"]["ownerReferences"][0]["uid"],
            (*server_.Find(kRig))["metadata"]["uid"]);

  Configure("b");
  ASSERT_TRUE(BecomesReady("b"));
  EXPECT_TRUE(WaitFor([this] { return Allocatable("example.com/b") == 1; }));
  EXPECT_TRUE(WaitFor([this] { return Allocatable("example.com/a") == 0; }));
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
  Configure("a");
  StartAgent();
  const auto explanation = [this] {
    return Status().value("deviceManager", json::object()).value("explanation", json::array());
  };
  ASSERT_TRUE(WaitFor([&] { return explanation() == json::array({why}); }));
  EXPECT_THAT(Get("/readyz").body, HasSubstr(why));
  StartDeviceManager();
  ASSERT_TRUE(BecomesReady("a"));
  EXPECT_EQ(explanation(), json::array());
}

TEST_F(AgentInTheApiTest, KeepsEverythingWhileTheApiServerIsAwayAndSaysSo) {
  StartDeviceManager();
  Configure("a");
  StartAgent();
  ASSERT_TRUE(BecomesReady("a"));
  const json pid = Status()["plugins"][0]["pid"];
  server_.Refuse("", 503);
  server_.EndStreams();
  ASSERT_TRUE(MetricsSay("nodedevice_config_stale 1"));
  EXPECT_TRUE(LogSays("the API server cannot be asked for DevicePluginConfig rig: "));
  EXPECT_THAT(Get("/").body, AllOf(HasSubstr("The API server does not answer"),
                                   HasSubstr("the last configuration stays in force")));
  EXPECT_EQ(Get("/readyz").status, 200);
  server_.Refuse("", 0);
  ASSERT_TRUE(MetricsSay("nodedevice_config_stale 0"));
  EXPECT_TRUE(LogSays("the API server answers, following DevicePluginConfig rig"));
  EXPECT_THAT(Get("/").body, Not(HasSubstr("The API server does not answer")));
  EXPECT_EQ(Status()["plugins"][0]["pid"], pid);
}

TEST_F(AgentInTheApiTest, StartsWithoutTheApiServerAndWaitsForIt) {
  server_.Hang(true);
  StartDeviceManager();
  Configure("a");
  StartAgent();
  EXPECT_EQ(Get("/healthz").status, 200);
  EXPECT_THAT(Get("/readyz").body, HasSubstr("no configuration was accepted yet: the API server "
                                             "has not answered yet"));
  EXPECT_TRUE(MetricsSay("nodedevice_config_stale 1"));
  server_.Hang(false);
  EXPECT_TRUE(BecomesReady("a"));
}

TEST_F(AgentInTheApiTest, LeavesALastStateWhenItEnds) {
  StartDeviceManager();
  Configure("a");
  StartAgent();
  ASSERT_TRUE(BecomesReady("a"));
  agent_->Signal(SIGTERM);
  EXPECT_EQ(agent_->Wait(), 0);
  EXPECT_EQ(Ready(), "False AgentStopping");
  EXPECT_TRUE(Status()["plugins"].empty());
}

TEST_F(AgentInTheApiTest, EndsWhenTheApiServerDoesNotAnswer) {
  StartDeviceManager();
  Configure("a");
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
  server_.AnswerPost(kTokenReviews, [](const json& review) -> json {
    const std::string token = review["spec"]["token"];
    if (token == "wrong") return {{"status", {{"authenticated", false}}}};
    return {{"status", {{"authenticated", true}, {"user", {{"username", token}}}}}};
  });
  server_.AnswerPost(kAccessReviews, [](const json& review) -> json {
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
