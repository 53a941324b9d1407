// The agent led by a DevicePluginConfig in the API: what an administrator does with kubectl, and
// what comes back as NodeDeviceState and Events. On a cluster of its own, since its API server is
// killed.

#include <signal.h>

#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "tests/cluster/stories/node.h"
#include "tests/cluster/stories/stage.h"
#include "tests/support/places.h"
#include "tests/support/wait_for.h"

namespace nodedevice::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr char kNode[] = "rig-node";
constexpr char kState[] = "/apis/nodedevices.io/v1alpha1/nodedevicestates/rig-node.node-devices";
constexpr char kEvents[] = "/apis/events.k8s.io/v1/namespaces/default/events";

// The configuration, with so many shares of /dev/fuse and one more path in the group of the sticks.
std::string Config(int shares, const std::string& more = "") {
  return absl::StrCat(R"(apiVersion: nodedevices.io/v1alpha1
kind: DevicePluginConfig
metadata: {name: node-devices}
spec:
  plugins:
  - name: fuse
    resourceName: nodedevices.io/fuse
    paths: {groups: [{paths: [{path: /dev/fuse}]}]}
    sharing: {replicas: )",
                      shares, R"(}
  - name: stick
    resourceName: nodedevices.io/stick
    paths: {groups: [{paths: [{path: "/dev/stick[0-9]"})",
                      more, R"(]}]}
)");
}

class Fleet : public ::testing::Test {
 public:
  static void SetUpTestSuite() {
    cluster().Manage("up");
    node_ = std::make_unique<Node>(cluster(), kNode);
    for (const char* stick : {"stick0", "stick1", "stick2", "stick3"}) node_->Plug(stick);
    cluster().MustKubectl({"apply", "-k", SourceRoot() / "operator-manifests/agent"});
    Apply(Config(10));
    ASSERT_TRUE(WaitUntilReady()) << State().dump(2);
  }
  static void TearDownTestSuite() {
    node_.reset();
    cluster().Manage("down");
  }

 protected:
  // What the agent, its plugins and the kubelet said, for whoever looks for the reason of a
  // failure.
  void TearDown() override {
    if (!HasFailure()) return;
    std::cout << RunCommand({"tail", "--lines=100", node().Folder() / "kubelet.log"}).out;
    const CommandResult said = cluster().Kubectl(
        {"logs", "-n", "node-device", "daemonset/node-device-agent", "--timestamps"});
    std::cout << said.out << said.error << "\n" << State().dump(2) << std::endl;
  }

  static const Cluster& cluster() {
    static const Cluster cluster("fleet");
    return cluster;
  }
  static const Node& node() { return *node_; }

  static void Apply(const std::string& config) {
    cluster().MustKubectl({"apply", "-f", "-"}, config);
  }

  static Json State() { return cluster().Get(kState).value_or(Json::object()); }
  static Json StatusOf(const Json& state) { return state.value("status", Json::object()); }
  // The condition of this type; an empty object while there is none.
  static Json Condition(const std::string& type) {
    for (const Json& condition : StatusOf(State()).value("conditions", Json::array())) {
      if (condition["type"] == type) return condition;
    }
    return Json::object();
  }
  static bool WaitFor(const std::function<bool()>& condition) {
    return nodedevice::testing::WaitFor(condition, Node::kStatusPace);
  }
  // For what comes after a pause of up to a minute, which keeps a fleet from coming back at once.
  static bool WaitForRetry(const std::function<bool()>& condition) {
    return nodedevice::testing::WaitFor(condition, Node::kStatusPace, std::chrono::minutes(3));
  }
  static bool WaitForCondition(const std::string& type, const std::string& status) {
    return WaitFor([&] { return Condition(type).value("status", "") == status; });
  }
  static bool WaitUntilReady() { return WaitForCondition("Ready", "True"); }
  static Json Plugin(const std::string& name) {
    for (const Json& plugin : StatusOf(State()).value("plugins", Json::array())) {
      if (plugin["name"] == name) return plugin;
    }
    return Json::object();
  }
  static int PidOf(const std::string& plugin) { return Plugin(plugin).value("pid", 0); }
  // The notes of its events of this reason, about this node's state.
  static std::vector<std::string> Notes(const std::string& reason) {
    std::vector<std::string> notes;
    const Json events = cluster().Get(kEvents).value();
    const std::string uid = State()["metadata"].value("uid", "");
    for (const Json& event : events["items"]) {
      if (event.value("reason", "") != reason || !event.contains("regarding")) continue;
      if (event["regarding"].value("uid", "") == uid) notes.push_back(event["note"]);
    }
    return notes;
  }
  static ::testing::AssertionResult WaitForNode(const char* resource, int capacity,
                                                int allocatable) {
    return node().WaitUntilItShows(resource, {.capacity = capacity, .allocatable = allocatable});
  }

 private:
  static std::unique_ptr<Node> node_;
};
std::unique_ptr<Node> Fleet::node_;

TEST_F(Fleet, ThePodsOfTheNodeGetWhatTheObjectNames) {
  EXPECT_TRUE(WaitForNode(kFuse, 10, 10));
  EXPECT_TRUE(WaitForNode(kStick, 4, 4));
  cluster().MustKubectl({"create", "namespace", "guests"});
  WaitFor([] {
    return cluster().Get("/api/v1/namespaces/guests/serviceaccounts/default").has_value();
  });
  const Pod pod(cluster(), {.name = "guest",
                            .namespace_name = "guests",
                            .node = kNode,
                            .limits = {{kFuse, 1}, {kStick, 2}}});
  EXPECT_TRUE(pod.WaitUntilRunning()) << pod.Get().dump(2);
  EXPECT_EQ(pod.Exec({"test", "-c", "/dev/fuse"}).code, 0);
  const Stopwatch held;
  EXPECT_TRUE(WaitFor([] { return StatusOf(State()).value("pods", Json::array()).size() == 2; }));
  held.Took("a pod runs -> the NodeDeviceState says what it holds");
  const Json status = StatusOf(State());
  for (const Json& holder : status.at("pods")) {
    EXPECT_EQ(holder["namespace"], "guests");
    EXPECT_EQ(holder["name"], "guest");
    EXPECT_EQ(holder["devices"].size(), holder["resourceName"] == kFuse ? 1u : 2u) << holder;
  }
  for (const Json& resource : status.at("resources")) {
    EXPECT_EQ(resource["accepted"], resource["healthy"]) << resource;
    EXPECT_EQ(resource["allocated"], resource["resourceName"] == kFuse ? 1 : 2) << resource;
  }
  pod.Delete();
  const Stopwatch freed;
  EXPECT_TRUE(WaitFor([] { return !StatusOf(State()).contains("pods"); })) << State().dump(2);
  freed.Took("a pod is gone -> the NodeDeviceState names it no more");
}

TEST_F(Fleet, TheStateSaysWhatAnAdministratorAsksFirst) {
  EXPECT_EQ(StatusOf(State())["deviceManager"]["kubeletVersion"],
            cluster()
                .Get(absl::StrCat("/api/v1/nodes/", kNode))
                .value()["status"]["nodeInfo"]["kubeletVersion"]);
  EXPECT_THAT(cluster().MustKubectl({"get", "nds"}),
              AllOf(HasSubstr("DEVICE-MANAGER"), HasSubstr(kNode), HasSubstr("AllRegistered")));
  // The events stand below the object that they are about.
  EXPECT_TRUE(WaitFor([] {
    return cluster().MustKubectl({"describe", "nds", kNode}).find("ConfigAccepted") !=
           std::string::npos;
  })) << cluster().MustKubectl({"describe", "nds", kNode});
}

TEST_F(Fleet, AnEditRestartsWhatChangedOnly) {
  const int fuse = PidOf("fuse");
  const int stick = PidOf("stick");
  const Stopwatch watch;
  Apply(Config(20));
  EXPECT_TRUE(WaitForNode(kFuse, 20, 20));
  watch.Took("the object edited -> the node shows it");
  EXPECT_TRUE(WaitFor([&] { return PidOf("fuse") != fuse && PidOf("fuse") != 0; }));
  EXPECT_TRUE(WaitUntilReady());
  EXPECT_EQ(PidOf("stick"), stick);
  EXPECT_EQ(Plugin("fuse").value("restarts", -1), 0) << "an edit is no failure";
}

TEST_F(Fleet, ABadEditKeepsTheLastGoodConfiguration) {
  const int fuse = PidOf("fuse");
  const int stick = PidOf("stick");
  // What the schema can say, the API server refuses.
  const CommandResult refused =
      cluster().Kubectl({"apply", "-f", "-"}, Config(10, ", {path: /home/stick}"));
  EXPECT_NE(refused.code, 0);
  EXPECT_THAT(refused.error, HasSubstr("spec.plugins[1].paths.groups[0].paths[1].path"));
  EXPECT_EQ(Condition("ConfigAccepted").value("status", ""), "True");

  // What it cannot, the agent does, and says why.
  Apply(Config(10, ", {path: \"/dev/stick[0-9]/*\"}"));
  EXPECT_TRUE(WaitForCondition("ConfigAccepted", "False"));
  EXPECT_THAT(Condition("ConfigAccepted").value("message", ""),
              HasSubstr("spec.plugins[1].paths.groups[0].paths"));
  EXPECT_TRUE(WaitFor([] { return !Notes("ConfigRefused").empty(); }));
  EXPECT_EQ(PidOf("fuse"), fuse);
  EXPECT_EQ(PidOf("stick"), stick);

  Apply(Config(20));
  EXPECT_TRUE(WaitForCondition("ConfigAccepted", "True"));
  EXPECT_EQ(PidOf("stick"), stick);
}

TEST_F(Fleet, WhatHappensWhileTheApiServerIsAwayIsHandledAndReportedLater) {
  ASSERT_TRUE(WaitUntilReady());
  const int restarts = Plugin("stick").value("restarts", 0);
  const std::vector<pid_t> plugins = node().Processes("node-device-plugin");
  ASSERT_THAT(plugins, SizeIs(2));
  const Stopwatch away;
  RunCommand({SourceRoot() / "tests/cluster/cluster", "on", cluster().name(), "control-plane",
              "pkill", "-KILL", "kube-apiserver"});
  ASSERT_NE(cluster().Kubectl({"get", "--raw", "/readyz"}).code, 0);

  const Stopwatch handled;
  for (const pid_t plugin : plugins) ::kill(plugin, SIGKILL);
  node().Unplug("stick3");
  ASSERT_TRUE(node().WaitForOthersThan(plugins, "node-device-plugin"));
  const KubeletView kubelet(node().kubelet_paths().pod_resources_socket());
  EXPECT_TRUE(nodedevice::testing::WaitFor(
      [&] {
        KubeletView::ByResource healthy = kubelet.Healthy();
        return healthy[kFuse].size() == 20 && healthy[kStick].size() == 3;
      },
      kKubeletPace));
  handled.Took("plugins killed and a device pulled without an API server -> the kubelet knows");
  EXPECT_TRUE(WaitFor([] { return node().AgentSaysMetric("config_stale 1"); }));
  // Long enough for every retry to have reached its longest pause.
  EXPECT_TRUE(WaitForRetry([&] { return away.HasRunFor(std::chrono::minutes(1)); }));
  const std::vector<pid_t> restarted = node().Processes("node-device-plugin");

  cluster().Manage("start", {"control-plane", "apiserver"});
  away.Took("the API server was away for");
  const Stopwatch reported;
  EXPECT_TRUE(WaitForRetry([&] { return Plugin("stick").value("restarts", 0) == restarts + 1; }));
  reported.Took("the API server is back -> the agent's state is");
  EXPECT_TRUE(WaitForRetry([] { return node().AgentSaysMetric("config_stale 0"); }));
  EXPECT_EQ(node().Processes("node-device-plugin"), restarted) << "its return disturbs nobody";
  EXPECT_TRUE(WaitForNode(kStick, 3, 3));
  node().Plug("stick3");
  EXPECT_TRUE(WaitForNode(kStick, 4, 4));
  // And it follows again.
  Apply(Config(10));
  EXPECT_TRUE(WaitForNode(kFuse, 10, 10));
  EXPECT_TRUE(WaitUntilReady());
}

TEST_F(Fleet, AnAgentSpeaksForItsOwnNodeOnly) {
  cluster().MustKubectl(
      {"create", "-f", "-"},
      R"({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "other-node"}})");
  const std::string server = cluster().MustKubectl(
      {"config", "view", "--minify", "-o", "jsonpath={.clusters[0].cluster.server}"});
  // Applies the state of that node with the agent's token of `node`; empty: of no node.
  const auto apply = [&](const std::string& node, const std::string& state_of) {
    std::vector<std::string> create = {"create", "token", "node-device-agent", "-n", "node-device"};
    if (!node.empty()) {
      for (const std::string& word :
           {std::string("--bound-object-kind=Node"), "--bound-object-name=" + node}) {
        create.push_back(word);
      }
    }
    std::string token = cluster().MustKubectl(create);
    while (token.ends_with('\n')) token.pop_back();
    return RunCommand(
        {SourceRoot() / "build/cluster/bin/kubectl", "--kubeconfig=/dev/null", "--server=" + server,
         "--certificate-authority=" + (cluster().Folder() / "pki/ca.crt").string(),
         "--token=" + token, "--cache-dir=" + (cluster().Folder() / "cache").string(), "apply",
         "--server-side", "--validate=false", "-f", "-"},
        Json({{"apiVersion", "nodedevices.io/v1alpha1"},
              {"kind", "NodeDeviceState"},
              {"metadata", {{"name", state_of + ".mine"}}},
              {"spec", {{"nodeName", state_of}, {"configName", "mine"}}}})
            .dump());
  };
  const CommandResult own = apply("other-node", "other-node");
  EXPECT_EQ(own.code, 0) << own.error;
  const CommandResult foreign = apply("other-node", kNode);
  EXPECT_NE(foreign.code, 0);
  EXPECT_THAT(foreign.error, HasSubstr("an agent writes the state of its own node only"));
  const CommandResult nowhere = apply("", "other-node");
  EXPECT_NE(nowhere.code, 0);
  EXPECT_THAT(nowhere.error, HasSubstr("an agent writes the state of its own node only"));
  cluster().MustKubectl({"delete", "node", "other-node"});
  cluster().MustKubectl({"delete", "nds", "other-node.mine"});
}

TEST_F(Fleet, WithoutTheObjectNothingIsLeft) {
  const Stopwatch watch;
  cluster().MustKubectl({"delete", "dpc", "node-devices"});
  EXPECT_TRUE(WaitForNode(kFuse, 0, 0));
  EXPECT_TRUE(WaitForNode(kStick, 0, 0));
  watch.Took("the object deleted -> the capacity is gone");
  EXPECT_THAT(node().Processes("node-device-plugin"), IsEmpty());
  // Nobody has to clean up after it.
  EXPECT_TRUE(WaitFor([] { return State().empty(); }));

  Apply(Config(10));
  EXPECT_TRUE(WaitForNode(kFuse, 10, 10));
  EXPECT_TRUE(WaitUntilReady());
}

TEST_F(Fleet, AnObjectThatIsReplacedAtOnceTakesNothingAway) {
  ASSERT_TRUE(WaitUntilReady());
  const int stick = PidOf("stick");
  const Json uid = State()["metadata"]["ownerReferences"][0]["uid"];
  cluster().MustKubectl({"replace", "--force", "-f", "-"}, Config(10));
  EXPECT_TRUE(WaitFor([&] {
    const Json state = State();
    return state.contains("metadata") && state["metadata"]["ownerReferences"][0]["uid"] != uid;
  }));
  EXPECT_TRUE(WaitUntilReady());
  EXPECT_EQ(PidOf("stick"), stick);
}

}  // namespace
}  // namespace nodedevice::testing
