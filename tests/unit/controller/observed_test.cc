#include "controller/observed.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace nodedevice {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(ObservedTest, ReadsANode) {
  const ObservedNode node = ReadNode(json::parse(R"({
    "metadata": {"name": "w1", "labels": {"a": "b"}, "creationTimestamp": "2026-01-02T03:04:05Z"},
    "spec": {"taints": [{"key": "k", "effect": "NoSchedule"}]},
    "status": {"conditions": [
      {"type": "DiskPressure", "status": "False"},
      {"type": "Ready", "status": "Unknown", "reason": "NodeStatusUnknown", "message": "silent",
       "lastTransitionTime": "2026-01-02T03:04:06Z"}]}})"));
  EXPECT_EQ(node.name, "w1");
  EXPECT_EQ(node.labels.at("a"), "b");
  EXPECT_THAT(node.taints, ElementsAre(Taint{.key = "k", .value = "", .effect = "NoSchedule"}));
  EXPECT_FALSE(node.ready);
  EXPECT_EQ(node.not_ready_text, "NodeStatusUnknown: silent");
  EXPECT_EQ(ApiTime(node.ready_since), "2026-01-02T03:04:06Z");
}

TEST(ObservedTest, ReadsAState) {
  const ObservedState state = ReadState(json::parse(R"({
    "metadata": {"name": "w1.c", "uid": "u", "ownerReferences": [{"uid": "c1"}]},
    "spec": {"nodeName": "w1", "configName": "c"},
    "status": {"observedGeneration": 3, "agent": {"podName": "p"},
      "deviceManager": {"up": false, "problem": "no socket", "explanation": ["a", "b"]},
      "conditions": [{"type": "Ready", "status": "False", "reason": "R", "message": "two\nlines"}],
      "resources": [{"resourceName": "r", "announced": 4, "healthy": 3},
                    {"resourceName": "foreign", "allocated": 1}]}})"));
  EXPECT_EQ(state.config_uid, "c1");
  EXPECT_EQ(state.generation, 3);
  EXPECT_EQ(state.pod, "p");
  EXPECT_EQ(state.device_manager_problem, "no socket; a; b");
  EXPECT_EQ(state.ready, false);
  EXPECT_EQ(state.message, "two lines");
  EXPECT_THAT(state.resources, ElementsAre(ResourceCount{.name = "r", .announced = 4, .healthy = 3},
                                           ResourceCount{.name = "foreign", .allocated = 1}));
}

TEST(ObservedTest, APodThatIsBeingMadeHasNoProblem) {
  const auto problem = [](const std::string& reason) {
    return ReadPod({{"status",
                     {{"containerStatuses",
                       json::array({{{"state", {{"waiting", {{"reason", reason}}}}}}})}}}})
        .problem;
  };
  EXPECT_EQ(problem("ContainerCreating"), "");
  EXPECT_EQ(problem("CrashLoopBackOff"), "CrashLoopBackOff");
  EXPECT_EQ(ReadPod({{"status", {{"phase", "Failed"}, {"reason", "Evicted"}}}}).problem, "Evicted");
}

TEST(ObservedTest, KeepsTheSpecOfOwnMachineConfigsOnly) {
  json object = json::parse(R"({
    "metadata": {"name": "99-x", "labels": {"nodedevices.io/config": "c"}, "managedFields": [
      {"manager": "kubectl"}, {"manager": "node-device-controller", "time": "2026-01-01T00:00:00Z"}]},
    "spec": {"kernelArguments": ["a"]}})");
  const json own = ReadMachineConfig(object);
  EXPECT_EQ(own["spec"], object["spec"]);
  ASSERT_EQ(own["metadata"]["managedFields"].size(), 1u);
  EXPECT_EQ(own["metadata"]["managedFields"][0]["manager"], "node-device-controller");
  object["metadata"].erase("labels");
  const json foreign = ReadMachineConfig(object);
  EXPECT_FALSE(foreign.contains("spec"));
  EXPECT_EQ(foreign["metadata"]["name"], "99-x");
}

TEST(ObservedTest, ReadsTheCluster) {
  const ObservedClusterVersion version = ReadClusterVersion(json::parse(
      R"({"status": {"conditions": [{"type": "Progressing", "status": "True", "message": "m"}]}})"));
  EXPECT_TRUE(version.is_upgrading);
  EXPECT_EQ(version.text, "m");
  EXPECT_TRUE(HasHostedControlPlane({{"status", {{"controlPlaneTopology", "External"}}}}));
  EXPECT_FALSE(HasHostedControlPlane({{"status", {{"controlPlaneTopology", "SingleReplica"}}}}));
}

TEST(ObservedTest, AnyJsonWillDo) {
  for (const char* text :
       {"null", "7", "[]", R"({"metadata": 7, "spec": [], "status": {"conditions": {}}})",
        R"({"status": {"observedGeneration": -1, "conditions": [null, 7, {"type": "Ready"}],
            "resources": [7, {"announced": -5}], "deviceManager": {"explanation": [7]}}})"}) {
    const json object = json::parse(text);
    EXPECT_EQ(ReadNode(object).name, "");
    EXPECT_EQ(ReadState(object).generation, 0);
    EXPECT_THAT(ReadPod(object).node, IsEmpty());
    EXPECT_EQ(ReadMachineConfigPool(object), object);
    EXPECT_EQ(ReadKubeletConfig(object), object);
    EXPECT_EQ(ReadMachineConfig(object), object);
    EXPECT_FALSE(ReadClusterVersion(object).is_upgrading);
    EXPECT_FALSE(HasHostedControlPlane(object));
  }
}

}  // namespace
}  // namespace nodedevice
