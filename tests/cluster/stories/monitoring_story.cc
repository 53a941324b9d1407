// What an administrator's Prometheus makes of a fleet: every query of the dashboards has data, and
// two alerts fire for what has happened and clear when it is over. On a cluster of its own, with
// the metrics of OpenShift's manifests: by HTTPS, controller and agents.

#include <signal.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <regex>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "tests/cluster/stories/command.h"
#include "tests/cluster/stories/node.h"
#include "tests/cluster/stories/openshift_install.h"
#include "tests/cluster/stories/stage.h"
#include "tests/support/places.h"
#include "tests/support/program.h"
#include "tests/support/wait_for.h"

namespace nodedevice::testing {
namespace {

namespace fs = std::filesystem;

constexpr char kNode[] = "watched-1";
constexpr char kConfig[] = "/apis/nodedevices.io/v1alpha1/devicepluginconfigs/watched";
constexpr char kPromPage[] = "http://127.0.0.1:9090";

class Monitoring : public ::testing::Test {
 public:
  static void SetUpTestSuite() {
    cluster().Manage("up");
    node_ = std::make_unique<Node>(cluster(), kNode);
    for (const char* stick : {"stick0", "stick1", "stick2"}) node_->Plug(stick);
    InstallAsOnOpenShift(cluster());
    cluster().MustKubectl({"apply", "-f", "-"}, R"(apiVersion: nodedevices.io/v1alpha1
kind: DevicePluginConfig
metadata: {name: watched}
spec:
  nodeSelector: {kubernetes.io/os: linux}
  plugins:
  - name: stick
    resourceName: nodedevices.io/stick
    paths: {groups: [{paths: [{path: "/dev/stick[0-9]"}]}]}
  - name: fuse
    resourceName: nodedevices.io/fuse
    paths: {groups: [{paths: [{path: /dev/fuse}]}]}
    sharing: {replicas: 10}
)");
    ASSERT_TRUE(WaitFor(
        [] { return cluster().Get(kConfig)->value("status", Json()).value("ready", 0) == 1; }));
    StartPrometheus();
  }
  static void TearDownTestSuite() {
    if (prometheus_) {
      prometheus_->Signal(SIGTERM);
      prometheus_->Wait();
    }
    prometheus_.reset();
    node_.reset();
    cluster().Manage("down");
  }

 protected:
  static const Cluster& cluster() {
    static const Cluster cluster("monitoring");
    return cluster;
  }
  static fs::path Folder() { return node_->Folder() / "prometheus"; }
  static bool WaitFor(const std::function<bool()>& condition) {
    return nodedevice::testing::WaitFor(condition, Node::kStatusPace, std::chrono::minutes(3));
  }

  // Each target with the labels that operator-manifests/monitoring/platform gives it.
  static std::string Target(const std::string& address, const std::string& pod,
                            const std::string& more) {
    return absl::StrCat("  - targets: ['", address,
                        "']\n    labels: {namespace: node-device, pod: ", pod, more, "}\n");
  }
  static std::string Targets(const std::string& app, int port, const std::string& more) {
    const Json pods = Json::parse(cluster().MustKubectl(
        {"get", "pods", "-n", "node-device", "-l", "app.kubernetes.io/name=" + app, "-o", "json"}));
    std::string targets;
    for (const Json& pod : pods["items"]) {
      targets += Target(absl::StrCat(pod["status"]["podIP"].get<std::string>(), ":", port),
                        pod["metadata"]["name"], more);
    }
    return targets;
  }

  static void StartPrometheus() {
    MustWrite(Folder() / "token", TokenToReadMetrics(cluster(), "prometheus"));
    const auto job = [](const std::string& name, const std::string& targets) {
      return absl::StrCat("- job_name: ", name, R"(
  scheme: https
  authorization: {credentials_file: token}
  tls_config: {insecure_skip_verify: true}
  static_configs:
)",
                          targets);
    };
    MustWrite(
        Folder() / "prometheus.yaml",
        absl::StrCat(
            "global: {scrape_interval: 1s, evaluation_interval: 1s}\n"
            "rule_files: [rules.yaml]\nscrape_configs:\n",
            job("node-device-controller",
                Targets("node-device-controller", 8443, ", container: controller")),
            job("node-device-agent",
                Targets("node-device-agent", 9807,
                        absl::StrCat(", container: agent, config: watched, node: ", kNode)))));
    WriteRules();
    prometheus_ = std::make_unique<Program>(
        node_->OnNodesFiles({"prometheus",
                             "--config.file=" + (Folder() / "prometheus.yaml").string(),
                             "--storage.tsdb.path=" + (Folder() / "data").string(),
                             "--web.listen-address=127.0.0.1:9090"}),
        Folder() / "prometheus.log");
    ASSERT_TRUE(WaitFor([] { return Series("up == 1").size() >= 3; })) << prometheus_->Output();
  }

  // The shipped rules with minutes for seconds: they are to fire for what happens in a story.
  static void WriteRules() {
    MustRun({"/usr/bin/python3", "-B", SourceRoot() / "tests/monitoring/check.py", "write-rules",
             Folder()});
    std::string rules = MustRun({"cat", Folder() / "rules.yaml"});
    rules = std::regex_replace(rules, std::regex("\n    for: [0-9]+[mh]"), "\n    for: 2s");
    rules = std::regex_replace(rules, std::regex("\\[15m\\]"), "[40s]");
    MustWrite(Folder() / "rules.yaml", rules);
  }

  // The answer's result; an empty list while there is none. One that fails is a failure of the
  // test.
  static Json Series(const std::string& query) {
    const CommandResult said =
        node_->Run({"curl", "--silent", "--get", "--data-urlencode", "query=" + query,
                    absl::StrCat(kPromPage, "/api/v1/query")});
    const Json answer = Json::parse(said.out, nullptr, false);
    if (!answer.is_object()) return Json::array();
    if (answer.value("status", "") != "success") {
      ADD_FAILURE() << query << ": " << answer.dump();
      return Json::array();
    }
    return answer["data"]["result"];
  }
  static bool Fires(const std::string& alert) {
    return !Series(absl::StrCat("ALERTS{alertname=\"", alert, "\", alertstate=\"firing\"}"))
                .empty();
  }

  static std::unique_ptr<Node> node_;
  static std::unique_ptr<Program> prometheus_;
};
std::unique_ptr<Node> Monitoring::node_;
std::unique_ptr<Program> Monitoring::prometheus_;

TEST_F(Monitoring, AlertsFireForWhatHasHappenedAndClearWhenItIsOver) {
  EXPECT_FALSE(Fires("NodeDeviceDevicesUnhealthy"));
  EXPECT_FALSE(Fires("NodeDevicePluginCrashLooping"));
  node_->Unplug("stick0");
  const Stopwatch unplugged;
  EXPECT_TRUE(WaitFor([] { return Fires("NodeDeviceDevicesUnhealthy"); }));
  unplugged.Took("a device is pulled -> NodeDeviceDevicesUnhealthy, with minutes for seconds");
  // Both plugins, again and again.
  std::vector<pid_t> plugins = node_->Processes("node-device-plugin");
  ASSERT_EQ(plugins.size(), 2u);
  for (int crash = 0; crash < 5; ++crash) {
    for (const pid_t plugin : plugins) ::kill(plugin, SIGKILL);
    ASSERT_TRUE(node_->WaitForOthersThan(plugins, "node-device-plugin"));
    plugins = node_->Processes("node-device-plugin");
  }
  EXPECT_TRUE(WaitFor([] { return Fires("NodeDevicePluginCrashLooping"); }));
  node_->Plug("stick0");
  EXPECT_TRUE(WaitFor([] { return !Fires("NodeDeviceDevicesUnhealthy"); }));
  EXPECT_TRUE(WaitFor([] { return !Fires("NodeDevicePluginCrashLooping"); }));
}

TEST_F(Monitoring, EveryQueryOfTheDashboardsHasData) {
  // What some panels are about: a container that holds a device, pods that are started, and a
  // device that is unhealthy.
  node_->Unplug("stick2");
  cluster().MakeNamespace("holders");
  const Pod holder(cluster(), {.name = "holder",
                               .namespace_name = "holders",
                               .node = kNode,
                               .limits = {{kStick, 1}, {kFuse, 2}}});
  ASSERT_TRUE(holder.WaitUntilRunning());
  ASSERT_TRUE(WaitFor([] { return !Series("nodedevice_pod_devices").empty(); }));

  std::istringstream lines(MustRun({SourceRoot() / "scripts/dashboards", "--queries"}));
  int count = 0;
  for (std::string line; std::getline(lines, line);) {
    const Json entry = Json::parse(line);
    const std::string query = entry["query"];
    Json series;
    EXPECT_TRUE(WaitFor([&] {
      series = Series(query);
      return !series.empty();
    })) << entry.dump(2);
    std::printf("[   SERIES ] %4zu  %s: %s\n", series.size(),
                entry["dashboard"].get<std::string>().c_str(),
                entry["panel"].get<std::string>().c_str());
    ++count;
  }
  EXPECT_GE(count, 50);
  // The same as pages, for who has neither Grafana nor a console.
  for (const char* dashboard : {"fleet", "node", "resource"}) {
    const std::string page = MustRun(
        node_->OnNode({SourceRoot() / "scripts/dashboards", "--page", dashboard, kPromPage, "3"}));
    EXPECT_NE(page.find("</svg>"), std::string::npos) << page;
    MustWrite(SourceRoot() / "build/cluster/dashboards" / absl::StrCat(dashboard, ".html"), page);
  }
  node_->Plug("stick2");
  holder.Delete();
  cluster().DeleteNamespace("holders");
}

}  // namespace
}  // namespace nodedevice::testing
