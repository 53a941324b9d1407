// The operator from OperatorHub, as the Operator Lifecycle Manager installs it, on a cluster of its
// own: installed, used, upgraded while its devices are in use, and removed in the documented order.

#include <atomic>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "tests/cluster/stories/command.h"
#include "tests/cluster/stories/node.h"
#include "tests/cluster/stories/stage.h"
#include "tests/support/places.h"
#include "tests/support/wait_for.h"

namespace nodedevice::testing {
namespace {

namespace fs = std::filesystem;

constexpr char kOld[] = "0.1.0";
constexpr char kNew[] = "0.1.1";
constexpr char kImage[] = "nodedevices.io/node-device-operator:";
constexpr char kNamespace[] = "node-device";
constexpr char kConfig[] = "/apis/nodedevices.io/v1alpha1/devicepluginconfigs/shelf";
constexpr char kStates[] = "/apis/nodedevices.io/v1alpha1/nodedevicestates";
constexpr char kOperators[] = "/apis/operators.coreos.com/v1alpha1/namespaces/node-device/";

// Asks the kubelet, as often as it may be asked, whether it has the resource, and what a pod holds.
class RegistrationWatch {
 public:
  RegistrationWatch(KubeletView kubelet, std::string pod, KubeletView::ByResource held)
      : kubelet_(std::move(kubelet)),
        pod_(std::move(pod)),
        held_(std::move(held)),
        thread_([this] { Watch(); }) {}
  ~RegistrationWatch() { End(); }
  RegistrationWatch(const RegistrationWatch&) = delete;
  RegistrationWatch& operator=(const RegistrationWatch&) = delete;

  // Prints how long the resource was away. False: the pod has lost its device meanwhile.
  bool End() {
    if (!thread_.joinable()) return kept_;
    ended_ = true;
    thread_.join();
    std::printf("[     TOOK ] of that the kubelet had no device of it: %lld ms\n",
                static_cast<long long>(
                    std::chrono::duration_cast<std::chrono::milliseconds>(away_).count()));
    return kept_;
  }

 private:
  void Watch() {
    auto before = std::chrono::steady_clock::now();
    WaitFor(
        [&] {
          const auto now = std::chrono::steady_clock::now();
          if (kubelet_.Healthy()[kStick].empty()) away_ += now - before;
          kept_ = kept_ && kubelet_.HeldBy(pod_) == held_;
          before = now;
          return ended_.load();
        },
        2 * kKubeletPace, std::chrono::minutes(10));
  }

  const KubeletView kubelet_;
  const std::string pod_;
  const KubeletView::ByResource held_;
  std::atomic<bool> ended_ = false;
  bool kept_ = true;                            // the thread's until it has ended
  std::chrono::steady_clock::duration away_{};  // likewise
  std::thread thread_;
};

// The commands of docs/install.md, and what an administrator then looks at.
class OperatorHub : public ::testing::Test {
 public:
  static void SetUpTestSuite() {
    cluster().Manage("up");
    node_ = std::make_unique<Node>(cluster(), "shelf-1");
    node_->Plug("stick0");
    node_->Plug("stick1");
    // The same programs once more: what an upgrade does is not in them.
    MustRun(node_->OnNode({"ctr", "--namespace", "k8s.io", "images", "tag",
                           absl::StrCat(kImage, kOld), absl::StrCat(kImage, kNew)}));
    fs::remove_all(Folder());
    std::vector<std::string> catalog = {SourceRoot() / "scripts/catalog", Folder() / "catalog"};
    for (const char* version : {kOld, kNew}) {
      catalog.push_back(Folder() / version);
      MustRun(
          {SourceRoot() / "scripts/bundle", "--platform", "kubernetes", version, catalog.back()});
    }
    MustRun(catalog);
    const Stopwatch watch;
    MustRun({SourceRoot() / "tests/cluster/olm", "up", cluster().name(), Folder() / "catalog"});
    watch.Took("OLM is on the cluster, with our catalog");
  }
  static void TearDownTestSuite() {
    if (::testing::UnitTest::GetInstance()->Failed()) {
      std::puts(MustRun({"sh", "-c",
                         absl::StrCat("tail -n 40 ", (cluster().Folder() / "olm").string(),
                                      "/*-operator.log")})
                    .c_str());
    }
    node_.reset();
    cluster().Manage("down");
  }

 protected:
  static const Cluster& cluster() {
    static const Cluster cluster("olm");
    return cluster;
  }
  static fs::path Folder() { return SourceRoot() / "build/cluster/hub"; }
  static Json Find(const std::string& path) { return cluster().Get(path).value_or(Json::object()); }
  static bool WaitFor(const std::function<bool()>& condition) {
    return nodedevice::testing::WaitFor(condition, Node::kStatusPace, std::chrono::minutes(3));
  }

  // Namespace, OperatorGroup and Subscription as docs/install.md has them, for the catalog of this
  // cluster, from the older version, and with plans that wait to be approved.
  static std::string InstallObjects() {
    const std::string document = MustRun({"cat", SourceRoot() / "docs/install.md"});
    std::string objects;
    for (const char* kind :
         {"kind: Namespace\n", "kind: OperatorGroup\n", "kind: Subscription\n"}) {
      const std::size_t at = document.find(kind);
      const std::size_t begin = document.rfind("```yaml\n", at) + 8;
      objects += document.substr(begin, document.find("```", at) - begin) + "---\n";
    }
    for (const auto& [old_text, new_text] : std::vector<std::pair<std::string, std::string>>{
             {"sourceNamespace: openshift-marketplace", "sourceNamespace: olm"},
             {"installPlanApproval: Automatic",
              absl::StrCat("startingCSV: ", CsvName(kOld), "\n  installPlanApproval: Manual")}}) {
      const std::size_t at = objects.find(old_text);
      EXPECT_NE(at, std::string::npos) << old_text;
      if (at != std::string::npos) objects.replace(at, old_text.size(), new_text);
    }
    return objects;
  }

  static std::string CsvName(const std::string& version) {
    return "node-device-operator.v" + version;
  }
  static std::string PhaseOf(const std::string& version) {
    const Json csv = Find(absl::StrCat(kOperators, "clusterserviceversions/", CsvName(version)));
    return csv.value(Json::json_pointer("/status/phase"), "");
  }
  // Nothing is installed before an administrator says so, to a plan that asks for it.
  static bool Approve(const std::string& version) {
    return WaitFor([&] {
      const Json plans = Find(std::string(kOperators) + "installplans");
      for (const Json& plan : plans.value("items", Json::array())) {
        if (plan["spec"]["clusterServiceVersionNames"] != Json({CsvName(version)})) continue;
        const std::string phase = plan.value(Json::json_pointer("/status/phase"), "");
        if (phase == "Installing" || phase == "Complete") return true;
        if (phase != "RequiresApproval") return false;
        cluster().MustKubectl({"-n", kNamespace, "patch", "installplan",
                               plan["metadata"]["name"].get<std::string>(), "--type", "merge",
                               "--patch", R"({"spec":{"approved":true}})"});
      }
      return false;
    });
  }
  static bool Installs(const std::string& version) {
    return WaitFor([&] { return PhaseOf(version) == "Succeeded"; });
  }
  static Json ConditionOfConfig(const std::string& type) {
    const Json config = Find(kConfig);
    for (const Json& condition :
         config.value(Json::json_pointer("/status/conditions"), Json::array())) {
      if (condition["type"] == type) return condition;
    }
    return Json::object();
  }
  static bool AllWorks() {
    return ConditionOfConfig("Available").value("status", "") == "True" &&
           ConditionOfConfig("Progressing").value("reason", "") == "AsDesired";
  }
  static std::string AgentImage() {
    const Json set =
        Find("/apis/apps/v1/namespaces/node-device/daemonsets/node-device-agent-shelf");
    return set.value(Json::json_pointer("/spec/template/spec/containers/0/image"), "");
  }
  static KubeletView kubelet() {
    return KubeletView(node_->kubelet_paths().pod_resources_socket());
  }

  static std::unique_ptr<Node> node_;
};
std::unique_ptr<Node> OperatorHub::node_;

TEST_F(OperatorHub, InstallsServesUpgradesAndIsRemoved) {
  const Stopwatch install;
  cluster().MustKubectl({"apply", "-f", "-"}, InstallObjects());
  ASSERT_TRUE(Approve(kOld));
  install.Took("Subscription -> an InstallPlan to approve");
  ASSERT_TRUE(Installs(kOld)) << Find(std::string(kOperators) + "clusterserviceversions").dump(2);
  install.Took("Subscription -> the ClusterServiceVersion is Succeeded");

  // One custom resource, and pods get devices.
  const Stopwatch config;
  cluster().MustKubectl({"apply", "-f", "-"}, R"(apiVersion: nodedevices.io/v1alpha1
kind: DevicePluginConfig
metadata: {name: shelf}
spec:
  nodeSelector: {kubernetes.io/os: linux}
  plugins:
  - name: stick
    resourceName: nodedevices.io/stick
    paths: {groups: [{paths: [{path: "/dev/stick[0-9]"}]}]}
)");
  ASSERT_TRUE(WaitFor(AllWorks)) << Find(kConfig).dump(2);
  config.Took("DevicePluginConfig -> Available, and nothing under way");
  ASSERT_TRUE(node_->WaitUntilItShows(kStick, {.capacity = 2, .allocatable = 2}));
  cluster().MakeNamespace("readers");
  const Pod before(cluster(), {.name = "before",
                               .namespace_name = "readers",
                               .node = node_->name(),
                               .limits = {{kStick, 1}}});
  ASSERT_TRUE(before.WaitUntilRunning());
  config.Took("DevicePluginConfig -> a pod runs with a device");
  const KubeletView::ByResource held = kubelet().HeldBy("before");
  ASSERT_EQ(held.at(kStick).size(), 1u);
  EXPECT_EQ(AgentImage(), absl::StrCat(kImage, kOld));

  // The upgrade, with a device in use all the time.
  RegistrationWatch registered(kubelet(), "before", held);
  const Stopwatch upgrade;
  ASSERT_TRUE(Approve(kNew));
  ASSERT_TRUE(Installs(kNew));
  upgrade.Took("approved -> the new ClusterServiceVersion is Succeeded");
  EXPECT_TRUE(WaitFor([] { return AgentImage() == absl::StrCat(kImage, kNew) && AllWorks(); }))
      << Find(kConfig).dump(2);
  upgrade.Took("approved -> every agent is of the new version");
  EXPECT_TRUE(registered.End()) << "a pod has lost its device";
  EXPECT_EQ(kubelet().HeldBy("before"), held);
  EXPECT_EQ(before.Phase(), "Running");
  EXPECT_EQ(before.Restarts(), 0);
  EXPECT_EQ(PhaseOf(kOld), "") << "the old one is replaced";
  const Pod after(cluster(), {.name = "after",
                              .namespace_name = "readers",
                              .node = node_->name(),
                              .limits = {{kStick, 1}}});
  EXPECT_TRUE(after.WaitUntilRunning());

  // In this order.
  const Stopwatch removal;
  after.Delete();
  cluster().MustKubectl({"delete", "dpc", "--all", "--timeout=120s"});
  EXPECT_TRUE(WaitFor([] { return Find(kStates).value("items", Json::array()).empty(); }));
  EXPECT_TRUE(node_->WaitUntilItShows(kStick, {.capacity = 0, .allocatable = 0}));
  EXPECT_EQ(before.Phase(), "Running") << "a container that has a device keeps it";
  before.Delete();
  cluster().MustKubectl({"-n", kNamespace, "delete", "subscription", "node-device-operator"});
  cluster().MustKubectl({"-n", kNamespace, "delete", "csv", CsvName(kNew), "--timeout=120s"});
  EXPECT_TRUE(WaitFor([] {
    return Find("/api/v1/namespaces/node-device/pods").value("items", Json::array()).empty();
  }));
  cluster().MustKubectl({"delete", "namespace", kNamespace, "--timeout=120s"});
  cluster().MustKubectl({"delete", "-k", SourceRoot() / "crds"});
  removal.Took("everything is removed");
  for (const char* kind : {"clusterroles", "clusterrolebindings", "customresourcedefinitions"}) {
    const std::string left = cluster().MustKubectl({"get", kind, "-o", "name"});
    EXPECT_EQ(left.find("node-device"), std::string::npos) << left;
    EXPECT_EQ(left.find("nodedevices"), std::string::npos) << left;
  }
  cluster().DeleteNamespace("readers");
}

}  // namespace
}  // namespace nodedevice::testing
