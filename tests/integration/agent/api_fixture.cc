#include "tests/integration/agent/api_fixture.h"
#include "tests/support/places.h"

#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "absl/strings/str_cat.h"

namespace nodedevice::testing {

using Json = nlohmann::json;

AgentInTheApiTest::AgentInTheApiTest() {
  dir_.Write("kubeconfig", server_.Kubeconfig());
  server_.Put("/api/v1/nodes/w7", {{"status", {{"nodeInfo", {{"kubeletVersion", "v1.33.2"}}}}}});
}

AgentInTheApiTest::~AgentInTheApiTest() {
  if (HasFailure() && agent_) std::fprintf(stderr, "---- the agent's log:\n%s", Log().c_str());
}

Json AgentInTheApiTest::ConfigOf(const std::vector<std::string>& plugins) {
  Json entries = Json::array();
  for (const std::string& plugin : plugins) {
    entries.push_back({{"name", plugin},
                       {"resourceName", "example.com/" + plugin},
                       {"static", {{"devices", {{{"id", "one"}}}}}}});
  }
  return {{"apiVersion", "nodedevices.io/v1alpha1"},
          {"kind", "DevicePluginConfig"},
          {"spec", {{"plugins", std::move(entries)}}}};
}

void AgentInTheApiTest::StartDeviceManager() {
  device_manager_ = std::make_unique<Program>(
      std::vector<std::string>{"device-manager", "serve", "--kubelet-dir", kubelet_dir()},
      dir_.path() / "device-manager.log");
  ASSERT_TRUE(WaitFor([this] { return DeviceManagerStatus().is_object(); }));
}

Json AgentInTheApiTest::DeviceManagerStatus() const {
  return Json::parse(
      RunProgram({"device-manager", "status", "--json", "--kubelet-dir", kubelet_dir()},
                 dir_.path() / "command.out")
          .output,
      nullptr, /*allow_exceptions=*/false);
}

int AgentInTheApiTest::Allocatable(const std::string& plugin) const {
  const Json status = DeviceManagerStatus();
  if (!status.is_object()) return -1;
  for (const Json& entry : status.value("resources", Json::array())) {
    if (entry.value("name", "") == "example.com/" + plugin) return entry.value("allocatable", -1);
  }
  return -1;
}

void AgentInTheApiTest::StartAgent(const std::vector<std::string>& more) {
  // Under AddressSanitizer: with whole stacks, so that tests/lsan.supp knows what OpenSSL keeps for
  // cpprestsdk's threads until the program ends.
  std::vector<std::string> line = {"/usr/bin/env",
                                   "ASAN_OPTIONS=fast_unwind_on_malloc=0",
                                   ProgramFolder() / "node-device-agent",
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
  ASSERT_TRUE(WaitFor([&] {
    const auto port = ServedPort(Log());
    port_ = port.value_or(0);
    return port.has_value();
  }));
}

bool AgentInTheApiTest::LogSays(const std::string& text) const {
  return WaitFor([&] { return Log().find(text) != std::string::npos; });
}

bool AgentInTheApiTest::MetricsSay(const std::string& line) const {
  return Says("/metrics", "\n" + line + "\n");
}

bool AgentInTheApiTest::Says(const std::string& path, const std::string& text) const {
  return WaitFor([&] { return Get(path).body.find(text) != std::string::npos; });
}

Json AgentInTheApiTest::Status() const {
  const std::optional<Json> state = server_.Find(kState);
  return state ? state->value("status", Json::object()) : Json::object();
}

std::string AgentInTheApiTest::Ready() const {
  for (const Json& condition : Status().value("conditions", Json::array())) {
    if (condition["type"] != "Ready") continue;
    return absl::StrCat(condition["status"].get<std::string>(), " ",
                        condition["reason"].get<std::string>());
  }
  return "";
}

int AgentInTheApiTest::PidOf(const std::string& plugin) const {
  for (const Json& entry : Status().value("plugins", Json::array())) {
    if (entry["name"] == plugin) return entry.value("pid", 0);
  }
  return 0;
}

bool AgentInTheApiTest::BecomesReady(const std::string& plugin) const {
  return WaitFor([&] {
    const Json status = Status();
    return Ready() == "True AllRegistered" && !status["plugins"].empty() &&
           status["plugins"][0]["name"] == plugin;
  });
}

}  // namespace nodedevice::testing
