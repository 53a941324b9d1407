#include "controller/plan.h"

#include <ctime>

#include "absl/strings/str_cat.h"
#include "controller/embedded_manifests.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "lib/base/yaml.h"

namespace nodedevice {
namespace {

using nlohmann::json;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// What the plan is in each situation stands in tests/golden/controller; here is what it costs.

constexpr int kNodes = 5000;

Settings TestSettings() {
  return {.name_space = "ns", .image = "i", .daemon_set = ParseYaml(AgentDaemonSetYaml()).value()};
}

json PoolOf(const std::string& role) {
  return {
      {"metadata", {{"name", role}, {"labels", {{"pool", role}}}}},
      {"spec", {{"nodeSelector", {{"matchLabels", {{"node-role.kubernetes.io/" + role, ""}}}}}}}};
}

Labels LabelsOfNode(int number) {
  Labels labels = {{"kubernetes.io/os", "linux"}, {"node-role.kubernetes.io/worker", ""}};
  for (int i = 0; i < 20; ++i) labels[absl::StrCat("example.com/feature-", i)] = "true";
  labels["kubernetes.io/hostname"] = absl::StrCat("node-", number);
  if (number % 10 == 0) labels["node-role.kubernetes.io/gpu"] = "";
  return labels;
}

// Two configurations for 4,500 and 500 nodes. A tenth of all nodes fails.
Observed BigCluster() {
  Observed observed;
  observed.now = ReadApiTime("2026-01-02T12:00:00Z");
  observed.pools = {PoolOf("worker"), PoolOf("master"), PoolOf("gpu"), PoolOf("infra")};
  for (const char* name : {"worker", "gpu"}) {
    observed.configs.push_back(
        {{"apiVersion", "nodedevices.io/v1alpha1"},
         {"kind", "DevicePluginConfig"},
         {"metadata", {{"name", name}, {"uid", name}, {"generation", 1}}},
         {"spec",
          {{"machineConfigPoolSelector", {{"matchLabels", {{"pool", name}}}}},
           {"plugins",
            {{{"name", "x"},
              {"resourceName", absl::StrCat("example.com/", name)},
              {"static", {{"devices", {{{"id", "a"}}}}}}}}}}}});
  }
  for (int i = 0; i < kNodes; ++i) {
    const std::string node = absl::StrCat("node-", i);
    const std::string config = i % 10 == 0 ? "gpu" : "worker";
    const bool fails = i % 10 == 3;
    observed.nodes.push_back({.name = node, .labels = LabelsOfNode(i)});
    observed.pods.push_back({.name = "pod-" + node, .node = node, .config = config});
    ObservedState state{.name = node + "." + config,
                        .node = node,
                        .config = config,
                        .config_uid = config,
                        .generation = 1,
                        .pod = "pod-" + node,
                        .device_manager_up = true,
                        .ready = !fails,
                        .reason = fails ? "PluginCrashLooping" : "AllRegistered",
                        .message = fails ? "plugin x: BackingOff, exited with 1" : ""};
    for (int r = 0; r < 8; ++r) {
      state.resources.push_back(
          {.name = absl::StrCat("example.com/r", r), .announced = 8, .healthy = 7, .allocated = 1});
    }
    observed.states.push_back(std::move(state));
  }
  return observed;
}

TEST(PlanTest, CountsThousandsOfNodes) {
  const Observed observed = BigCluster();
  const Settings settings = TestSettings();
  const std::clock_t begin = std::clock();
  const Plan plan = MakePlan(observed, settings);
  RecordProperty("cpu_ms", static_cast<int>((std::clock() - begin) * 1000 / CLOCKS_PER_SEC));
  ASSERT_THAT(plan.apply, SizeIs(2));
  ASSERT_THAT(plan.statuses, SizeIs(2));
  EXPECT_THAT(plan.remove, IsEmpty());
  const json& gpu = plan.statuses[0]["status"];
  const json& worker = plan.statuses[1]["status"];
  EXPECT_EQ(gpu["nodes"], kNodes / 10);
  EXPECT_EQ(gpu["ready"], kNodes / 10);
  EXPECT_EQ(worker["nodes"], kNodes - kNodes / 10);
  EXPECT_EQ(worker["ready"], kNodes - 2 * kNodes / 10);
  EXPECT_EQ(worker["pools"][0]["failing"].size(), 16u);
  EXPECT_THAT(worker["resources"], SizeIs(8));
  EXPECT_EQ(worker["resources"][0]["healthy"], (kNodes - kNodes / 10) * 7);
}

}  // namespace
}  // namespace nodedevice
