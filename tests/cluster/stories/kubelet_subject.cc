#include <signal.h>

#include <map>
#include <set>
#include <stdexcept>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "lib/base/file.h"
#include "tests/cluster/stories/parity_subject.h"
#include "tests/support/wait_for.h"

namespace nodedevice::testing {
namespace {

bool IsOfKubelet(const std::string& env_or_annotation) {
  return env_or_annotation.starts_with("KUBERNETES_") ||
         env_or_annotation.starts_with("io.kubernetes.");
}

// The kubelet's words to the container runtime, as device-manager writes them. What the kubelet
// adds for reasons of its own is left out.
Json SpecOf(const Json& config) {
  std::map<std::string, std::string> envs;
  std::map<std::string, Json> mounts;
  std::map<std::string, Json> devices;
  std::map<std::string, std::string> annotations;
  for (const Json& env : config.value("envs", Json::array())) {
    if (!IsOfKubelet(env["key"])) envs[env["key"]] = env["value"];
  }
  for (const Json& mount : config.value("mounts", Json::array())) {
    const std::string path = mount["container_path"];
    if (path == "/etc/hosts" || path == "/dev/termination-log") continue;
    mounts[path] = {{"containerPath", path},
                    {"hostPath", mount["host_path"]},
                    {"readOnly", mount.value("readonly", false)}};
  }
  for (const Json& device : config.value("devices", Json::array())) {
    devices[device["container_path"]] = {{"containerPath", device["container_path"]},
                                         {"hostPath", device["host_path"]},
                                         {"permissions", device["permissions"]}};
  }
  const Json all_annotations = config.value("annotations", Json::object());
  for (const auto& [key, value] : all_annotations.items()) {
    if (!IsOfKubelet(key)) annotations[key] = value;
  }
  const auto values = [](const std::map<std::string, Json>& map) {
    Json list = Json::array();
    for (const auto& [key, value] : map) list.push_back(value);
    return list;
  };
  return {{"envs", envs},
          {"mounts", values(mounts)},
          {"devices", values(devices)},
          {"annotations", annotations}};
}

class KubeletSubject : public Subject {
 public:
  explicit KubeletSubject(const std::string& node) : node_(Cluster(), node) {
    cluster().MakeNamespace(kNamespace);
  }
  ~KubeletSubject() override { cluster().DeleteNamespace(kNamespace); }

  KubeletPaths paths() const override { return node_.kubelet_paths(); }

  void ProvideDevice(const std::string& name) override {
    if (!std::filesystem::exists(node_.Path("/dev/" + name))) node_.Plug(name);
  }

  Node::Counts Shows(const std::string& resource) override { return node_.Shows(resource); }

  std::vector<std::string> Admit(const Json& pod) override {
    Json manifest = pod;
    manifest["metadata"]["namespace"] = kNamespace;
    manifest["spec"]["nodeName"] = node_.name();  // the scheduler is not asked
    cluster().Create(manifest);
    const std::string name = pod["metadata"]["name"];
    Json seen;
    if (!WaitFor([&] {
          seen = Get(name);
          return IsDecided(seen);
        })) {
      throw std::runtime_error(absl::StrCat("nothing becomes of pod ", name, ": ", seen.dump(2)));
    }
    return Describe(seen);
  }

  void Delete(const std::string& pod) override { cluster().Delete("pod", pod, kNamespace); }

  std::string UidOf(const std::string& pod) override {
    return Get(pod).value(Json::json_pointer("/metadata/uid"), std::string());
  }

  void SetTopologyPolicy(const std::string& policy) override {
    MustWrite(node_.Folder() / "kubelet.yaml",
              absl::StrCat(configuration_, "topologyManagerPolicy: ", policy, "\n"));
    Restart();
  }

  void Restart() override {
    node_.RestartKubelet(SIGKILL);
    // It has asked the API server for its pods once a container can be reached again through it.
    std::set<std::string> running;
    const Json pods =
        cluster().Get(absl::StrCat("/api/v1/namespaces/", kNamespace, "/pods")).value();
    for (const Json& pod : pods["items"]) {
      if (pod["status"]["phase"] == "Running") running.insert(pod["metadata"]["name"]);
    }
    for (const std::string& name : running) {
      WaitFor([&] {
        return cluster().Kubectl({"exec", "-n", kNamespace, name, "--", "true"}).code == 0;
      });
    }
  }

 private:
  const Cluster& cluster() const { return node_.cluster(); }

  Json Get(const std::string& pod) const { return cluster().GetPod(kNamespace, pod); }

  // Of app containers and sidecars alike.
  static std::vector<Json> Statuses(const Json& pod) {
    std::vector<Json> statuses;
    for (const char* field : {"initContainerStatuses", "containerStatuses"}) {
      for (const Json& status : pod["status"].value(field, Json::array())) {
        statuses.push_back(status);
      }
    }
    return statuses;
  }

  static std::string WaitingFor(const Json& status) {
    return status.value(Json::json_pointer("/state/waiting/reason"), std::string());
  }

  static bool IsDecided(const Json& pod) {
    const std::string phase = pod.value(Json::json_pointer("/status/phase"), std::string());
    if (phase == "Failed" || phase == "Running") return true;
    for (const Json& status : pod.empty() ? std::vector<Json>() : Statuses(pod)) {
      if (WaitingFor(status).ends_with("Error")) return true;
    }
    return false;
  }

  std::vector<std::string> Describe(const Json& pod) const {
    const Json& status = pod["status"];
    if (status["phase"] == "Failed") {
      return {absl::StrCat("rejected: ", status.value("reason", ""), ": ",
                           status.value("message", ""))};
    }
    std::vector<std::string> lines;
    for (const Json& container : Statuses(pod)) {
      const std::string name = container["name"];
      const std::string reason = WaitingFor(container);
      if (reason == "PodInitializing") continue;
      if (!reason.empty()) {
        lines.push_back(absl::StrCat(
            name, " waits: ", reason, ": ",
            container.value(Json::json_pointer("/state/waiting/message"), std::string())));
      } else {
        lines.push_back(absl::StrCat(name, " gets ", SpecOf(ConfigOf(pod, name)).dump()));
      }
    }
    return lines;
  }

  // The CRI ContainerConfig, as the runtime has kept it.
  Json ConfigOf(const Json& pod, const std::string& container) const {
    const std::string id =
        MustRun(node_.OnNode({"ctr", "-n", "k8s.io", "containers", "list", "-q",
                              absl::StrCat(R"(labels."io.kubernetes.container.name"==)", container,
                                           R"(,labels."io.kubernetes.pod.uid"==)",
                                           pod["metadata"]["uid"].get<std::string>())}));
    const Json info = Json::parse(MustRun(
        node_.OnNode({"ctr", "-n", "k8s.io", "containers", "info", id.substr(0, id.find('\n'))})));
    std::string metadata;
    for (const auto& [key, extension] : info["Extensions"].items()) {
      if (key.ends_with("container.metadata")) {
        absl::Base64Unescape(extension["value"].get<std::string>(), &metadata);
      }
    }
    return Json::parse(metadata)["Metadata"]["Config"];
  }

  const Node node_;
  const std::string configuration_ = ReadFile(node_.Folder() / "kubelet.yaml", 1u << 20).value();
};

}  // namespace

std::unique_ptr<Subject> MakeKubeletSubject(const std::string& node) {
  return std::make_unique<KubeletSubject>(node);
}

}  // namespace nodedevice::testing
