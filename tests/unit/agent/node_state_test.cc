#include "agent/node_state.h"

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "lib/base/utf8.h"
#include "tests/architecture/crd_schema.h"
#include "tests/unit/agent/sample_snapshot.h"

namespace nodedevice::testing {
namespace {

using nlohmann::json;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;

// What the wall says at kNow.
const std::chrono::system_clock::time_point kWall =
    std::chrono::sys_days(std::chrono::year(2026) / 1 / 2) + hours(3) + minutes(4) + seconds(5);
const NodeIdentity kIdentity = {.node_name = "w7", .config_name = "rig", .pod_name = "agent-x"};

Snapshot Node() {
  Snapshot snapshot = HealthyNode();
  snapshot.config.source = "DevicePluginConfig rig";
  snapshot.config.name = "rig";
  snapshot.config.uid = "1-2-3";
  snapshot.node.kubelet_version = "v1.33.2";
  return snapshot;
}

NodeStateRenderer Renderer() { return {kIdentity, kWall, kNow}; }

json StatusOf(const Snapshot& snapshot) { return Renderer().Status(snapshot)["status"]; }

json Condition(const json& status, const std::string& type) {
  for (const json& condition : status["conditions"]) {
    if (condition["type"] == type) return condition;
  }
  return nullptr;
}

// "True AllRegistered: message", as it is printed.
std::string Ready(const Snapshot& snapshot, const std::string& type = "Ready") {
  const json condition = Condition(StatusOf(snapshot), type);
  return absl::StrCat(condition["status"].get<std::string>(), " ",
                      condition["reason"].get<std::string>(), ": ",
                      condition["message"].get<std::string>());
}

std::vector<std::string> ErrorsOf(const Snapshot& snapshot) {
  NodeStateRenderer renderer = Renderer();
  json object = renderer.Object(snapshot);
  object["status"] = renderer.Status(snapshot)["status"];
  return SchemaErrors(SchemaOf(kStateCrd), object);
}

TEST(NodeStateTest, SaysWhoseItIs) {
  EXPECT_EQ(Renderer().Object(Node()), json::parse(R"({
    "apiVersion": "nodedevices.io/v1alpha1", "kind": "NodeDeviceState",
    "metadata": {"name": "w7.rig", "labels": {"nodedevices.io/config": "rig"},
                 "ownerReferences": [{"apiVersion": "nodedevices.io/v1alpha1",
                                      "kind": "DevicePluginConfig", "name": "rig",
                                      "uid": "1-2-3"}]},
    "spec": {"nodeName": "w7", "configName": "rig"}})"));
}

TEST(NodeStateTest, ShowsWhatTheSnapshotHolds) {
  Snapshot snapshot = Node();
  PluginStatus& held = snapshot.plugins.emplace_back();
  held.name = "waiting";
  held.resource_name = "example.com/waiting";
  held.since = kNow;
  held.failures = 2;
  held.held_by = "the end of plugin old";
  snapshot.plugins[0].resources[0].error = "kubelet: refused";
  EXPECT_EQ(Renderer().Status(snapshot), json::parse(R"json({
    "apiVersion": "nodedevices.io/v1alpha1", "kind": "NodeDeviceState",
    "metadata": {"name": "w7.rig"},
    "status": {
      "observedGeneration": 4,
      "agent": {"version": "1.2.3", "podName": "agent-x", "startedAt": "2026-01-02T01:04:05Z"},
      "deviceManager": {"up": true, "since": "2026-01-02T01:34:05Z", "restarts": 1,
                        "kubeletVersion": "v1.33.2",
                        "socket": "/kubelet/device-plugins/kubelet.sock"},
      "conditions": [
        {"type": "ConfigAccepted", "status": "True", "reason": "InForce", "message": "",
         "observedGeneration": 4, "lastTransitionTime": "2026-01-02T03:04:05Z"},
        {"type": "DeviceManagerUp", "status": "True", "reason": "Answers", "message": "",
         "observedGeneration": 4, "lastTransitionTime": "2026-01-02T03:04:05Z"},
        {"type": "Ready", "status": "False", "reason": "PluginHeld",
         "message": "plugin waiting: Held, waits for the end of plugin old",
         "observedGeneration": 4, "lastTransitionTime": "2026-01-02T03:04:05Z"}],
      "plugins": [
        {"name": "kvm", "resourceName": "example.com/kvm", "phase": "Running",
         "since": "2026-01-02T02:59:05Z", "pid": 4711, "restarts": 3, "failures": 0,
         "lastExit": "killed by signal 9 (Killed)", "registrationError": "kubelet: refused"
},
        {"name": "vendor", "resourceName": "vendor.example/thing", "phase": "Running",
         "since": "2026-01-02T03:03:58Z", "pid": 4712, "restarts": 0, "failures": 0},
        {"name": "waiting", "resourceName": "example.com/waiting", "phase": "Held",
         "since": "2026-01-02T03:04:05Z", "restarts": 0, "failures": 2,
         "waitsFor": "the end of plugin old"}],
      "resources": [
        {"resourceName": "example.com/kvm", "announced": 20, "healthy": 10, "accepted": 10,
         "allocated": 2},
        {"resourceName": "vendor.example/thing", "accepted": 3, "allocated": 0}],
      "unhealthyDevices": [{"resourceName": "example.com/kvm", "id": "kvm1",
                            "reason": "/dev/kvm1 is gone"}],
      "pods": [{"namespace": "shop", "name": "vm-7", "container": "compute",
                "resourceName": "example.com/kvm", "devices": ["kvm0::0", "kvm0::1"]}]
}
})json"));
  EXPECT_THAT(ErrorsOf(snapshot), IsEmpty());
}

TEST(NodeStateTest, LeavesOutWhatThereIsNot) {
  const json status = NodeStateRenderer({"w7", "rig", ""}, kWall, kNow).Status({})["status"];
  EXPECT_FALSE(status["agent"].contains("podName"));
  EXPECT_FALSE(status["deviceManager"].contains("kubeletVersion"));
  EXPECT_FALSE(status.contains("configError"));
  EXPECT_FALSE(status.contains("unhealthyDevices"));
  EXPECT_FALSE(status.contains("unhealthyDevicesOmitted"));
  EXPECT_THAT(ErrorsOf({}), IsEmpty());
}

TEST(NodeStateTest, EqualSnapshotsGiveEqualObjectsHoweverLateTheyAreRendered) {
  NodeStateRenderer renderer = Renderer();
  const json first = renderer.Status(Node());
  Snapshot later = Node();
  later.looked_at += hours(5);
  EXPECT_EQ(renderer.Status(later), first);
  later.plugins[0].resources[0].list_updates += 100;  // a fidgeting counter is none of its fields
  EXPECT_EQ(renderer.Status(later), first);
}

TEST(NodeStateTest, TheTimeOfATransitionMovesWithTheStatusOnly) {
  NodeStateRenderer renderer = Renderer();
  const auto since = [&](const Snapshot& snapshot) {
    return Condition(renderer.Status(snapshot)["status"], "Ready")["lastTransitionTime"]
        .get<std::string>();
  };
  EXPECT_EQ(since(Node()), "2026-01-02T03:04:05Z");
  Snapshot down = Node();
  down.looked_at = kNow + minutes(1);
  down.device_manager.up = false;
  EXPECT_EQ(since(down), "2026-01-02T03:05:05Z");
  down.looked_at = kNow + minutes(2);
  down.plugins[0].phase = PluginPhase::kHeld;  // another reason and message, the same status
  EXPECT_EQ(since(down), "2026-01-02T03:05:05Z");
  Snapshot well = Node();
  well.looked_at = kNow + minutes(3);
  EXPECT_EQ(since(well), "2026-01-02T03:07:05Z");
}

TEST(NodeStateTest, SaysInOneWordWhyItIsReadyOrNot) {
  EXPECT_EQ(Ready(Node()), "True AllRegistered: ");
  const auto with = [](const std::function<void(Snapshot&)>& change) {
    Snapshot snapshot = Node();
    change(snapshot);
    EXPECT_THAT(ErrorsOf(snapshot), IsEmpty());
    return Ready(snapshot);
  };
  const auto with_phase = [&](PluginPhase phase) {
    return with([phase](Snapshot& snapshot) { snapshot.plugins[0].phase = phase; });
  };
  EXPECT_EQ(with([](Snapshot& snapshot) { snapshot.stopping = true; }),
            "False AgentStopping: the agent is stopping");
  EXPECT_EQ(with([](Snapshot& snapshot) {
              snapshot.config.accepted = false;
              snapshot.config.error = "DevicePluginConfig rig was deleted";
            }),
            "False NoConfiguration: no configuration was accepted yet: DevicePluginConfig rig was "
            "deleted");
  EXPECT_EQ(with([](Snapshot& snapshot) {
              snapshot.device_manager.up = false;
              snapshot.device_manager.problem = "Connection refused";
            }),
            "False DeviceManagerDown: the Device Manager is down: Connection refused");
  EXPECT_EQ(with_phase(PluginPhase::kBackingOff),
            "False PluginCrashLooping: plugin kvm: BackingOff, killed by signal 9 (Killed), 0 "
            "failures in a row");
  EXPECT_EQ(with_phase(PluginPhase::kStarting), "False PluginStarting: plugin kvm: Starting");
  EXPECT_EQ(with_phase(PluginPhase::kHeld), "False PluginHeld: plugin kvm: Held, waits for ");
  EXPECT_EQ(with_phase(PluginPhase::kStopping), "False PluginStopping: plugin kvm: Stopping");
  // Pods have their devices still, but the node is not what was asked for.
  EXPECT_EQ(with([](Snapshot& snapshot) { snapshot.config.error = "spec.plugins: required"; }),
            "False ConfigurationRefused: the newest configuration is not in force: spec.plugins: "
            "required");
}

TEST(NodeStateTest, SaysWhetherTheConfigurationAndTheDeviceManagerAreWell) {
  EXPECT_EQ(Ready(Node(), "ConfigAccepted"), "True InForce: ");
  EXPECT_EQ(Ready(Node(), "DeviceManagerUp"), "True Answers: ");
  Snapshot bad = Node();
  bad.config.error = "spec.plugins: required";
  bad.device_manager.up = false;
  bad.device_manager.problem = "Connection refused";
  EXPECT_EQ(Ready(bad, "ConfigAccepted"), "False Refused: spec.plugins: required");
  EXPECT_EQ(Ready(bad, "DeviceManagerUp"), "False DoesNotAnswer: Connection refused");
  EXPECT_EQ(StatusOf(bad)["configError"], "spec.plugins: required");
  EXPECT_EQ(StatusOf(bad)["deviceManager"]["problem"], "Connection refused");
  bad.config = {};
  EXPECT_EQ(Ready(bad, "ConfigAccepted"), "False NotReadYet: ");
}

TEST(NodeStateTest, SaysWhetherTheHostIsPreparedOnlyWhereThatIsAskedFor) {
  const auto condition = [](const Snapshot& snapshot) {
    const json state = Renderer().Status(snapshot);
    for (const json& entry : state["status"]["conditions"]) {
      if (entry["type"] == "NodePrepared") return entry;
    }
    return json();
  };
  Snapshot snapshot = Node();
  EXPECT_TRUE(condition(snapshot).is_null());
  snapshot.preparation = {.asked = true, .lacking = {"no argument a=b", "no module c"}};
  EXPECT_EQ(condition(snapshot)["status"], "False");
  EXPECT_EQ(condition(snapshot)["reason"], "Lacking");
  EXPECT_EQ(condition(snapshot)["message"], "no argument a=b; no module c");
  EXPECT_THAT(ErrorsOf(snapshot), IsEmpty());
  snapshot.preparation.lacking.clear();
  EXPECT_EQ(condition(snapshot)["status"], "True");
  EXPECT_EQ(condition(snapshot)["reason"], "AsAsked");
}

TEST(NodeStateTest, HasAConditionOfConflictsWhileThereAreSome) {
  NodeStateRenderer renderer = Renderer();
  const auto condition = [&renderer](const Snapshot& snapshot) {
    return Condition(renderer.Status(snapshot)["status"], "EntriesConflict");
  };
  Snapshot snapshot = Node();
  EXPECT_TRUE(condition(snapshot).is_null());
  snapshot.conflicts = {.devices = {"/dev/x is announced twice"}, .containers = {"FOO differs"}};
  json seen = condition(snapshot);
  EXPECT_EQ(seen["status"], "True");
  EXPECT_EQ(seen["reason"], "DeviceAnnouncedTwice");
  EXPECT_EQ(seen["message"], "/dev/x is announced twice; FOO differs");
  EXPECT_THAT(ErrorsOf(snapshot), IsEmpty());
  snapshot.conflicts.devices.clear();
  EXPECT_EQ(condition(snapshot)["reason"], "ContainersDiffer");
  EXPECT_EQ(condition(snapshot)["lastTransitionTime"], seen["lastTransitionTime"]);
  EXPECT_TRUE(condition(Node()).is_null());
  snapshot.looked_at += minutes(1);
  EXPECT_NE(condition(snapshot)["lastTransitionTime"], seen["lastTransitionTime"]);
}

TEST(NodeStateTest, SaysWhatTheApiSaysOfAMissingDeviceManager) {
  EXPECT_FALSE(StatusOf(Node())["deviceManager"].contains("explanation"));
  Snapshot down = Node();
  down.device_manager.up = false;
  down.device_manager.problem = "Connection refused";
  down.device_manager.explanation = {"node w7 is being updated", "the pool is paused"};
  EXPECT_EQ(
      Ready(down, "DeviceManagerUp"),
      "False DoesNotAnswer: Connection refused; node w7 is being updated; the pool is paused");
  EXPECT_EQ(StatusOf(down)["deviceManager"]["explanation"],
            json({"node w7 is being updated", "the pool is paused"}));
  EXPECT_THAT(ErrorsOf(down), IsEmpty());
  down.device_manager.explanation.assign(100, "x");
  EXPECT_THAT(ErrorsOf(down), IsEmpty());
}

TEST(NodeStateTest, SumsAResourceOfTwoPluginsAndNamesErrorsOnce) {
  Snapshot snapshot = Node();
  snapshot.kubelet = {};  // nothing is known
  snapshot.plugins[0].resources[0].error = "b";
  ResourceReport more = snapshot.plugins[0].resources[0];
  more.error = "a";
  snapshot.plugins[0].resources.push_back(more);
  snapshot.plugins[0].resources.push_back(more);
  const json status = StatusOf(snapshot);
  EXPECT_EQ(status["plugins"][0]["registrationError"], "a; b");
  EXPECT_EQ(
      status["resources"],
      json::parse(R"([{"resourceName": "example.com/kvm", "announced": 60, "healthy": 30}])"));
}

TEST(NodeStateTest, TellsWhatTheKubeletSaysOfAForeignPlugin) {
  Snapshot snapshot = Node();
  snapshot.plugins[1].note = "the kubelet does not list vendor.example/thing";
  EXPECT_EQ(StatusOf(snapshot)["plugins"][1]["registrationError"], snapshot.plugins[1].note);
}

TEST(NodeStateTest, CountsTheContainersAndDevicesThatItDoesNotName) {
  Snapshot snapshot = Node();
  DeviceHolder& holder = snapshot.kubelet.holders[0];
  holder.count = 100;
  ResourceUse& use = snapshot.kubelet.resources["example.com/kvm"];
  use.holders = 2000;
  snapshot.kubelet.holders.assign(600, DeviceHolder(holder));
  json status = StatusOf(snapshot);
  EXPECT_EQ(status["pods"].size(), 512u);
  EXPECT_EQ(status["pods"][511]["devicesOmitted"], 98);
  EXPECT_EQ(status["podsOmitted"], 2000 - 512);
  EXPECT_THAT(ErrorsOf(snapshot), IsEmpty());

  use.holders = 600;
  snapshot.kubelet.holders.resize(512);
  EXPECT_EQ(StatusOf(snapshot)["podsOmitted"], 88);
  use.holders = 512;
  EXPECT_FALSE(StatusOf(snapshot).contains("podsOmitted"));
}

// An API server takes no object of more than some 1.5 MB.
TEST(NodeStateTest, StaysSmallHoweverLongTheNamesOfHeldDevicesAre) {
  Snapshot snapshot = Node();
  DeviceHolder holder = snapshot.kubelet.holders[0];
  holder.devices.assign(64, std::string(320, 'd'));
  holder.count = 64;
  snapshot.kubelet.holders.assign(512, holder);
  const json status = StatusOf(snapshot);
  EXPECT_LT(status.dump().size(), 512u << 10);
  EXPECT_EQ(status["pods"][0]["devices"].size(), 64u);
  EXPECT_FALSE(status["pods"][0].contains("devicesOmitted"));
  EXPECT_EQ(status["pods"][511]["devices"], json::array());
  EXPECT_EQ(status["pods"][511]["devicesOmitted"], 64);
}

TEST(NodeStateTest, ListsTheFirstUnhealthyDevicesAndCountsTheOthers) {
  Snapshot snapshot = Node();
  std::vector<DeviceReport>& devices = snapshot.plugins[0].resources[0].devices;
  devices.assign(256, {.id = "x", .healthy = false, .reason = "", .paths = "", .numa_nodes = {}});
  json status = StatusOf(snapshot);
  EXPECT_EQ(status["unhealthyDevices"].size(), 256u);
  EXPECT_FALSE(status.contains("unhealthyDevicesOmitted"));
  EXPECT_FALSE(status["unhealthyDevices"][0].contains("reason"));
  devices.push_back(devices[0]);
  devices.push_back(devices[0]);
  status = StatusOf(snapshot);
  EXPECT_EQ(status["unhealthyDevices"].size(), 256u);
  EXPECT_EQ(status["unhealthyDevicesOmitted"], 2);
  EXPECT_THAT(ErrorsOf(snapshot), IsEmpty());
}

TEST(NodeStateTest, KeepsToTheLengthsOfTheSchemasLists) {
  Snapshot snapshot = Node();
  snapshot.plugins.clear();
  for (int i = 0; i < 300; ++i) {
    PluginStatus& plugin = snapshot.plugins.emplace_back();
    plugin.name = absl::StrCat("plugin-", i);
    plugin.resources.resize(1);
    plugin.resources[0].resource = absl::StrCat("example.com/r", i);
  }
  const json status = StatusOf(snapshot);
  EXPECT_EQ(status["plugins"].size(), 256u);
  EXPECT_EQ(status["resources"].size(), 256u);
  EXPECT_THAT(ErrorsOf(snapshot), IsEmpty());
}

TEST(NodeStateTest, TextsAreBoundedAndUtf8) {
  Snapshot snapshot = Node();
  // A cut after 1024 and after 4096 bytes falls into a character of three.
  std::string text;
  while (text.size() < 5000) text += "\u20ac";
  snapshot.config.error = snapshot.device_manager.problem = text;
  snapshot.device_manager.up = false;
  snapshot.plugins[0].last_exit = "before \xff after";
  snapshot.device_manager.socket = "/\xfe";
  snapshot.node.kubelet_version = text;
  snapshot.plugins[0].resources[0].devices[0].id = text;
  snapshot.plugins[0].resources[0].devices[0].reason = text;
  const json status = StatusOf(snapshot);
  for (const json& bounded :
       {status["configError"], status["deviceManager"]["problem"],
        status["deviceManager"]["kubeletVersion"], status["unhealthyDevices"][0]["id"],
        status["unhealthyDevices"][0]["reason"]}) {
    EXPECT_EQ(bounded, text.substr(0, 1023));
  }
  EXPECT_EQ(Condition(status, "ConfigAccepted")["message"], text.substr(0, 4095));
  EXPECT_EQ(status["plugins"][0]["lastExit"], "before ");
  EXPECT_EQ(status["deviceManager"]["socket"], "/");
  EXPECT_EQ(FindInvalidUtf8(status.dump()), std::string::npos);
  EXPECT_THAT(ErrorsOf(snapshot), IsEmpty());
}

TEST(NodeStateTest, TheNameIsTheNodesAndTheConfigurations) {
  EXPECT_EQ(NodeStateName({"w7.example.com", "rig", ""}), "w7.example.com.rig");
  EXPECT_EQ(Renderer().name(), "w7.rig");
}

TEST(NodeStateTest, ANameThatIsTooLongEndsInAHash) {
  const std::string node(200, 'n');
  const std::string fits(52, 'c');
  EXPECT_EQ(NodeStateName({node, fits, ""}), absl::StrCat(node, ".", fits));
  const std::string one = NodeStateName({node, fits + "a", ""});
  const std::string other = NodeStateName({node, fits + "b", ""});
  EXPECT_NE(one, other);
  for (const std::string& name : {one, other}) {
    EXPECT_LE(name.size(), 253u);
    EXPECT_THAT(name, MatchesRegex("n+\\.c+-[0-9a-f]{16}"));
  }
  // No part of it may end with a dash or a dot where it was cut.
  const std::string cut = NodeStateName({node, std::string(35, '-') + std::string(28, 'c'), ""});
  EXPECT_THAT(cut, MatchesRegex("n+-[0-9a-f]{16}"));
}

// They change with every sample, and each change of the state is written to the API.
TEST(NodeStateTest, FiguresOfDevicesInUseAreNoPartOfIt) {
  Snapshot snapshot = Node();
  const json before = StatusOf(snapshot);
  FiguresSample& figures = snapshot.plugins[0].resources[0].figures;
  figures.number = 1;
  figures.devices.emplace_back();
  figures.devices[0].id = "kvm0";
  figures.devices[0].memory_used_bytes = 7;
  EXPECT_EQ(StatusOf(snapshot), before);
}

// The check itself: it must see what it is there for.
TEST(NodeStateTest, TheSchemaRefusesWhatItDoesNotKnow) {
  const json schema = SchemaOf(kStateCrd);
  json object = Renderer().Object(Node());
  object["status"] = {{"plugins", {{{"name", "a"}, {"phase", "Odd"}, {"pid", "1"}}, {{"x", 1}}}},
                      {"agent", {{"startedAt", "now"}}},
                      {"unhealthyDevicesOmitted", -1}};
  EXPECT_THAT(SchemaErrors(schema, object),
              ::testing::UnorderedElementsAre(
                  ".status.plugins[].phase: unknown word \"Odd\"",
                  ".status.plugins[].pid: is of type string", ".status.plugins[]: lacks name",
                  ".status.plugins[].x: unknown field", ".status.agent.startedAt: no time: 'now'",
                  ".status.unhealthyDevicesOmitted: too small"));
}

}  // namespace
}  // namespace nodedevice::testing
