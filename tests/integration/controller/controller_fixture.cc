#include "tests/integration/controller/controller_fixture.h"
#include "tests/support/places.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "absl/strings/str_cat.h"

namespace nodedevice::testing {

using Json = nlohmann::json;

ControllerTest::ControllerTest() {
  dir_.Write("kubeconfig", server_.Kubeconfig());
  server_.Put("/apis", {{"groups", Json::array({{{"name", "apps"}}})}});
  for (const char* node : {"w1", "w2"}) {
    server_.Put(absl::StrCat("/api/v1/nodes/", node), NodeWith({{"rack", "a"}}));
  }
}

ControllerTest::~ControllerTest() {
  if (HasFailure() && controller_) {
    std::fprintf(stderr, "---- the controller's log:\n%s", Log().c_str());
  }
}

Json ControllerTest::NodeWith(const Json& labels) {
  Json all = labels;
  all["kubernetes.io/os"] = "linux";
  return {{"apiVersion", "v1"},
          {"kind", "Node"},
          {"metadata", {{"labels", all}, {"creationTimestamp", "2026-01-01T00:00:00Z"}}},
          {"status",
           {{"conditions",
             {{{"type", "Ready"},
               {"status", "True"},
               {"lastTransitionTime", "2026-01-01T00:00:00Z"}}}}}}};
}

Json ControllerTest::ConfigFor(const std::string& rack, const std::string& resource) {
  return {{"apiVersion", "nodedevices.io/v1alpha1"},
          {"kind", "DevicePluginConfig"},
          {"metadata", {{"creationTimestamp", "2026-01-01T00:00:00Z"}}},
          {"spec",
           {{"nodeSelector", {{"rack", rack}}},
            {"plugins",
             {{{"name", "one"},
               {"resourceName", "example.com/" + resource},
               {"static", {{"devices", {{{"id", "one"}}}}}}}}}}}};
}

void ControllerTest::BeWell(const std::string& config, const std::vector<std::string>& nodes) {
  const Json object = server_.Find(PathOf(config)).value();
  for (const std::string& node : nodes) {
    const std::string pod = absl::StrCat("agent-", config, "-", node);
    server_.Put(absl::StrCat("/api/v1/namespaces/node-device/pods/", pod),
                {{"apiVersion", "v1"},
                 {"kind", "Pod"},
                 {"metadata",
                  {{"namespace", "node-device"}, {"labels", {{"nodedevices.io/config", config}}}}},
                 {"spec", {{"nodeName", node}}}});
    server_.Put(absl::StrCat(kStates, "/", node, ".", config),
                {{"apiVersion", "nodedevices.io/v1alpha1"},
                 {"kind", "NodeDeviceState"},
                 {"metadata",
                  {{"ownerReferences",
                    {{{"kind", "DevicePluginConfig"},
                      {"name", config},
                      {"uid", object["metadata"]["uid"]}}}}}},
                 {"spec", {{"nodeName", node}, {"configName", config}}},
                 {"status",
                  {{"observedGeneration", object["metadata"]["generation"]},
                   {"agent", {{"podName", pod}}},
                   {"deviceManager", {{"up", true}, {"since", "2026-01-01T00:00:00Z"}}},
                   {"conditions",
                    {{{"type", "Ready"},
                      {"status", "True"},
                      {"reason", "AllRegistered"},
                      {"message", ""},
                      {"lastTransitionTime", "2026-01-01T00:00:00Z"}}}},
                   {"resources",
                    {{{"resourceName", "example.com/one"},
                      {"announced", 1},
                      {"healthy", 1},
                      {"allocated", 0}}}}}}});
  }
  Json set = server_.Find(DaemonSetOf(config)).value();
  const std::size_t count = nodes.size();
  set["status"] = {{"observedGeneration", set["metadata"]["generation"]},
                   {"desiredNumberScheduled", count},
                   {"updatedNumberScheduled", count}};
  server_.Put(DaemonSetOf(config), set);
}

std::unique_ptr<Program> ControllerTest::Launch(const std::string& pod,
                                                const std::vector<std::string>& more) {
  // Under AddressSanitizer: with whole stacks, so that tests/lsan.supp knows what OpenSSL keeps for
  // cpprestsdk's threads until the program ends. They take most of its time.
  std::vector<std::string> line = {
      "/usr/bin/env",
      ends_well_ ? "ASAN_OPTIONS=fast_unwind_on_malloc=0" : "ASAN_OPTIONS=detect_leaks=0",
      ProgramFolder() / "node-device-controller", "--kubeconfig",
      (dir_.path() / "kubeconfig").string(), "--agent-image", "registry.example/agent:1",
      "--pod-name", pod, "--listen", "127.0.0.1:0",
      // Long enough for a machine that is busy with other tests.
      "--leader-elect-lease-duration", "20", "--leader-elect-renew-deadline", "15",
      "--leader-elect-retry-period", "0.3"};
  line.insert(line.end(), more.begin(), more.end());
  return std::make_unique<Program>(line, dir_.path() / absl::StrCat("log.", ++launched_));
}

void ControllerTest::Start(const std::vector<std::string>& more) {
  controller_ = Launch("controller-x", more);
  ASSERT_TRUE(WaitFor([&] {
    const auto port = ServedPort(Log());
    port_ = port.value_or(0);
    return port.has_value();
  })) << Log();
}

bool ControllerTest::LogSays(const std::string& text) const {
  return WaitFor([&] { return Log().find(text) != std::string::npos; });
}

bool ControllerTest::MetricsSay(const std::string& line) const {
  return WaitFor([&] {
    return Get("/metrics").body.find(absl::StrCat("\n", line, "\n")) != std::string::npos;
  });
}

bool ControllerTest::IsReady() const {
  return WaitFor([this] { return Get("/readyz").body == "ok\n"; }) &&
         MetricsSay("nodedevice_controller_synced 1");
}

std::string ControllerTest::Condition(const std::string& config, const std::string& type) const {
  const std::optional<Json> object = server_.Find(PathOf(config));
  if (!object) return "";
  for (const Json& condition :
       object->value("status", Json::object()).value("conditions", Json::array())) {
    if (condition["type"] != type) continue;
    return absl::StrCat(condition["status"].get<std::string>(), " ",
                        condition["reason"].get<std::string>());
  }
  return "";
}

bool ControllerTest::Becomes(const std::string& config, const std::string& type,
                             const std::string& text) const {
  return WaitFor([&] { return Condition(config, type) == text; });
}

std::vector<std::string> ControllerTest::Told() const {
  std::vector<std::string> reasons;
  for (const Json& event : server_.In(kEvents)) reasons.push_back(event["reason"]);
  return reasons;
}

bool ControllerTest::Tells(const std::string& reason) const {
  return WaitFor([&] {
    const std::vector<std::string> told = Told();
    return std::ranges::find(told, reason) != told.end();
  });
}

int ControllerTest::Writes() const {
  return server_.Count("PATCH ") + server_.Count("DELETE ") + server_.Count("POST /apis/events");
}

}  // namespace nodedevice::testing
