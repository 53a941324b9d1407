#pragma once

#include <cctype>
#include <chrono>
#include <list>
#include <map>
#include <memory>
#include <string>

#include "gtest/gtest.h"
#include "tests/cluster/stories/node.h"
#include "tests/support/program.h"

namespace nodedevice::testing {

// How the agent gets onto the node.
enum class Deployment {
  kService,    // started again whenever it ends, as systemd does it
  kDaemonSet,  // a pod of our image, by the manifests of operator-manifests/standalone
};

// What the agent of every story announces: 10 shares of /dev/fuse, 10 of /dev/kvm, and /dev/stick0
// to 3, which can be pulled.
inline constexpr char kFuse[] = "nodedevices.io/fuse";
inline constexpr char kKvm[] = "devices.kubevirt.io/kvm";
inline constexpr char kStick[] = "nodedevices.io/stick";

// A node of its own with the agent on it and a namespace for pods.
class Stage {
 public:
  Stage(const std::string& name, Deployment deployment);
  ~Stage();

  const Cluster& cluster() const { return node_.cluster(); }
  const Node& node() const { return node_; }
  KubeletView kubelet() const { return KubeletView(node_.kubelet_paths().pod_resources_socket()); }
  const std::string& namespace_name() const { return namespace_; }

  // The kubelet knows every device as healthy, and the agent is ready.
  bool IsWell() const;
  bool WaitUntilWell() const;
  std::string AgentSays(const std::string& path) const;
  // Waits for a line of /metrics, spelled without the prefix "nodedevice_".
  bool WaitUntilAgentSays(const std::string& metric) const;

  void RollDaemonSet() const;
  // Edits the configuration: these entries, as YAML of spec.plugins, come after the usual ones.
  void Announce(const std::string& entries) const;

 private:
  void Deploy();
  void Apply() const;

  const Deployment deployment_;
  const std::string namespace_;
  const Node node_;
  std::unique_ptr<Program> service_;
};

// What stories of one deployment share: the stage, which each leaves as it found it.
template <typename Deployed>
class Scene : public ::testing::Test {
 public:
  static void SetUpTestSuite() {
    const auto* suite = ::testing::UnitTest::GetInstance()->current_test_suite();
    std::string name(suite->name());
    name = name.substr(0, name.find('/'));  // "Pods/Service" of a typed one
    for (char& c : name) c = static_cast<char>(std::tolower(c));
    stage_ = std::make_unique<Stage>(name + Deployed::kSuffix, Deployed::kDeployment);
  }
  static void TearDownTestSuite() { stage_.reset(); }

 protected:
  void TearDown() override {
    for (const Pod& pod : pods_) pod.Delete();
  }

  const Stage& stage() const { return *stage_; }
  const Node& node() const { return stage_->node(); }
  KubeletView kubelet() const { return stage_->kubelet(); }

  // A pod of this story, deleted at its end.
  const Pod& StartPod(const std::string& name, const std::map<std::string, int>& limits) {
    return pods_.emplace_back(stage_->cluster(),
                              PodRequest{.name = name,
                                         .namespace_name = stage_->namespace_name(),
                                         .node = node().name(),
                                         .limits = limits});
  }

 private:
  static std::unique_ptr<Stage> stage_;
  std::list<Pod> pods_;
};
template <typename Deployed>
std::unique_ptr<Stage> Scene<Deployed>::stage_;

struct Service {
  static constexpr Deployment kDeployment = Deployment::kService;
  static constexpr char kSuffix[] = "-s";
};
struct DaemonSet {
  static constexpr Deployment kDeployment = Deployment::kDaemonSet;
  static constexpr char kSuffix[] = "-d";
};
using Deployments = ::testing::Types<Service, DaemonSet>;
struct DeploymentNames {
  template <typename Deployed>
  static std::string GetName(int) {
    return Deployed::kDeployment == Deployment::kService ? "Service" : "DaemonSet";
  }
};

// Prints how long something took, for people: no test fails by it.
class Stopwatch {
 public:
  void Took(const std::string& what) const;
  bool HasRunFor(std::chrono::seconds time) const {
    return std::chrono::steady_clock::now() - start_ >= time;
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace nodedevice::testing
