#include "tests/cluster/stories/stage.h"

#include <signal.h>

#include <cctype>
#include <cstdio>
#include <filesystem>
#include <stdexcept>

#include "absl/strings/str_cat.h"
#include "tests/support/places.h"
#include "tests/support/wait_for.h"

namespace nodedevice::testing {
namespace {

namespace fs = std::filesystem;

constexpr char kDevices[] = R"(apiVersion: nodedevices.io/v1alpha1
kind: DevicePluginConfig
metadata: {name: stories}
spec:
  plugins:
  - name: fuse
    resourceName: nodedevices.io/fuse
    paths: {groups: [{paths: [{path: /dev/fuse}]}]}
    sharing: {replicas: 10}
  - name: kvm
    resourceName: devices.kubevirt.io/kvm
    paths: {groups: [{paths: [{path: /dev/kvm}]}]}
    sharing: {replicas: 10}
  - name: stick
    resourceName: nodedevices.io/stick
    paths: {groups: [{paths: [{path: "/dev/stick[0-9]"}]}]}
)";

const std::string kAgent = SourceRoot() / "build/release/bin/node-device-agent";

}  // namespace

Stage::Stage(const std::string& name, Deployment deployment)
    : deployment_(deployment), namespace_(name), node_(Cluster(), name) {
  for (const char* stick : {"stick0", "stick1", "stick2", "stick3"}) node_.Plug(stick);
  cluster().MakeNamespace(namespace_);
  Deploy();
  if (!WaitUntilWell()) {
    throw std::runtime_error(absl::StrCat("the agent does not get well: ", AgentSays("/readyz")));
  }
}

Stage::~Stage() {
  cluster().DeleteNamespace(namespace_);
  if (!service_) return;
  // First who would start it again.
  service_->Signal(SIGKILL);
  service_->Wait();
  for (const pid_t agent : node_.Processes("node-device-agent")) {
    ::kill(agent, SIGTERM);
    WaitFor([agent] { return HasEnded(agent); });
  }
}

void Stage::Deploy() {
  const fs::path folder = node_.Folder() / "agent";
  MustWrite(folder / "devices.yaml", kDevices);
  if (deployment_ == Deployment::kService) {
    std::vector<std::string> line = {"/bin/sh", "-c", "while :; do \"$@\"; done", "sh"};
    for (std::string& word : node_.OnNode({kAgent, "--config", folder / "devices.yaml"})) {
      line.push_back(std::move(word));
    }
    service_ = std::make_unique<Program>(line, folder / "agent.log");
    return;
  }
  // The manifests as they are, on this node only and with these devices.
  MustWrite(
      folder / "kustomization.yaml",
      absl::StrCat("apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [",
                   fs::relative(SourceRoot() / "operator-manifests/standalone", folder).string(),
                   "]\nnamespace: ", namespace_,
                   "\nconfigMapGenerator:\n- name: node-device-agent\n  namespace: node-device\n"
                   "  behavior: replace\n  files: [devices.yaml]\n"
                   "patches:\n- target: {kind: DaemonSet}\n  patch: |\n"
                   "    - op: add\n      path: /spec/template/spec/nodeSelector\n"
                   "      value: {kubernetes.io/hostname: ",
                   node_.name(), "}\n"));
  Apply();
}

void Stage::Apply() const { cluster().MustKubectl({"apply", "-k", node_.Folder() / "agent"}); }

void Stage::Announce(const std::string& entries) const {
  MustWrite(node_.Folder() / "agent/devices.yaml", kDevices + entries);
  if (deployment_ == Deployment::kDaemonSet) Apply();
}

bool Stage::IsWell() const {
  KubeletView::ByResource healthy = kubelet().Healthy();
  return healthy[kFuse].size() == 10 && healthy[kKvm].size() == 10 && healthy[kStick].size() == 4 &&
         AgentSays("/readyz") == "ok\n";
}

bool Stage::WaitUntilWell() const {
  return WaitFor([this] { return IsWell(); }, kKubeletPace);
}

std::string Stage::AgentSays(const std::string& path) const { return node_.AgentSays(path); }

bool Stage::WaitUntilAgentSays(const std::string& metric) const {
  return WaitFor([&] { return node_.AgentSaysMetric(metric); }, std::chrono::milliseconds(50));
}

void Stage::RollDaemonSet() const {
  for (const auto& arguments : std::vector<std::vector<std::string>>{
           {"rollout", "restart", "daemonset/node-device-agent", "-n", namespace_},
           {"rollout", "status", "daemonset/node-device-agent", "-n", namespace_,
            "--timeout=120s"}}) {
    cluster().MustKubectl(arguments);
  }
}

void Stopwatch::Took(const std::string& what) const {
  const auto passed = std::chrono::steady_clock::now() - start_;
  std::printf("[     TOOK ] %s: %lld ms\n", what.c_str(),
              static_cast<long long>(
                  std::chrono::duration_cast<std::chrono::milliseconds>(passed).count()));
}

}  // namespace nodedevice::testing
