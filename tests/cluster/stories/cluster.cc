#include "tests/cluster/stories/cluster.h"

#include <chrono>
#include <cstdlib>
#include <stdexcept>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/support/places.h"
#include "tests/support/wait_for.h"

namespace nodedevice::testing {
namespace {

const std::string kScript = SourceRoot() / "tests/cluster/cluster";
const std::string kBuild = SourceRoot() / "build/cluster";

}  // namespace

Cluster::Cluster() {
  const char* name = std::getenv("NODEDEVICE_CLUSTER");
  if (name == nullptr) throw std::runtime_error("NODEDEVICE_CLUSTER is not set; run: make e2e");
  name_ = name;
}

std::filesystem::path Cluster::Folder() const { return absl::StrCat(kBuild, "/clusters/", name_); }

void Cluster::Manage(const std::string& command, const std::vector<std::string>& arguments) const {
  std::vector<std::string> line = {kScript, command, name_};
  line.insert(line.end(), arguments.begin(), arguments.end());
  MustRun(line);
}

CommandResult Cluster::Kubectl(const std::vector<std::string>& arguments,
                               const std::string& input) const {
  return RunCommand(KubectlLine(arguments), input);
}

std::string Cluster::MustKubectl(const std::vector<std::string>& arguments,
                                 const std::string& input) const {
  return MustRun(KubectlLine(arguments), input);
}

std::vector<std::string> Cluster::KubectlLine(const std::vector<std::string>& arguments) const {
  std::vector<std::string> line = {absl::StrCat(kBuild, "/bin/kubectl"),
                                   absl::StrCat("--kubeconfig=", Kubeconfig().string())};
  line.insert(line.end(), arguments.begin(), arguments.end());
  return line;
}

std::optional<Json> Cluster::Get(const std::string& path) const {
  const CommandResult result = Kubectl({"get", "--raw", path});
  if (result.code == 0) return Json::parse(result.out);
  if (result.error.find("NotFound") != std::string::npos) return std::nullopt;
  throw std::runtime_error(absl::StrCat("GET ", path, ": ", result.error));
}

Json Cluster::GetPod(const std::string& namespace_name, const std::string& name) const {
  return Get(absl::StrCat("/api/v1/namespaces/", namespace_name, "/pods/", name))
      .value_or(Json::object());
}

void Cluster::Create(const Json& object) const {
  MustKubectl({"create", "-f", "-"}, object.dump());
}

void Cluster::Delete(const std::string& kind, const std::string& name,
                     const std::string& namespace_name) const {
  const CommandResult result =
      Kubectl({"delete", kind, name, "-n", namespace_name, "--ignore-not-found", "--wait"});
  EXPECT_EQ(result.code, 0) << "delete " << kind << " " << name << ": " << result.error;
}

void Cluster::MakeNamespace(const std::string& namespace_name) const {
  Create({{"apiVersion", "v1"}, {"kind", "Namespace"}, {"metadata", {{"name", namespace_name}}}});
  // Pods are refused before a controller has made it.
  if (!WaitFor([&] {
        return Get(absl::StrCat("/api/v1/namespaces/", namespace_name, "/serviceaccounts/default"))
            .has_value();
      })) {
    throw std::runtime_error(absl::StrCat("no service account in ", namespace_name));
  }
}

void Cluster::DeleteNamespace(const std::string& namespace_name) const {
  Kubectl({"delete", "namespace", namespace_name, "--ignore-not-found", "--wait=false"});
}

Json ContainerSpec(const std::string& name, const std::map<std::string, int>& limits,
                   const std::vector<std::string>& command) {
  Json wanted = Json::object();
  for (const auto& [resource, count] : limits) wanted[resource] = std::to_string(count);
  Json spec = {{"name", name},
               {"image", "nodedevices.io/busybox:test"},
               {"imagePullPolicy", "Never"},
               {"resources", {{"limits", wanted}}}};
  if (!command.empty()) spec["command"] = command;
  return spec;
}

Json PodManifest(const PodRequest& request) {
  Json spec = {{"restartPolicy", "Never"},
               {"terminationGracePeriodSeconds", 0},
               {"automountServiceAccountToken", false},
               {"containers", {ContainerSpec("main", request.limits)}}};
  if (request.scheduled) {
    spec["nodeSelector"] = {{"kubernetes.io/hostname", request.node}};
  } else {
    spec["nodeName"] = request.node;
  }
  return {{"apiVersion", "v1"},
          {"kind", "Pod"},
          {"metadata", {{"name", request.name}, {"namespace", request.namespace_name}}},
          {"spec", std::move(spec)}};
}

Pod::Pod(const Cluster& cluster, PodRequest request)
    : cluster_(cluster), request_(std::move(request)) {
  cluster_.Create(PodManifest(request_));
}

Json Pod::Get() const { return cluster_.GetPod(request_.namespace_name, request_.name); }

std::string Pod::Phase() const {
  return Get().value(Json::json_pointer("/status/phase"), std::string("gone"));
}

bool Pod::WaitUntilRunning() const {
  // The scheduler may have to wait for the node's status, which can be a minute behind.
  return WaitFor([this] { return Phase() == "Running"; }, std::chrono::milliseconds(50),
                 std::chrono::minutes(3));
}

int Pod::Restarts() const {
  return Get().value(Json::json_pointer("/status/containerStatuses/0/restartCount"), -1);
}

CommandResult Pod::Exec(const std::vector<std::string>& command) const {
  std::vector<std::string> line = {"exec", "-n", request_.namespace_name, request_.name, "--"};
  line.insert(line.end(), command.begin(), command.end());
  return cluster_.Kubectl(line);
}

std::map<std::string, std::map<std::string, std::string>> Pod::ResourceHealth() const {
  std::map<std::string, std::map<std::string, std::string>> health;
  const Json status = Get().value(
      Json::json_pointer("/status/containerStatuses/0/allocatedResourcesStatus"), Json::array());
  for (const Json& entry : status) {
    for (const Json& device : entry.value("resources", Json::array())) {
      health[entry.value("name", "")][device.value("resourceID", "")] = device.value("health", "");
    }
  }
  return health;
}

void Pod::Delete() const { cluster_.Delete("pod", request_.name, request_.namespace_name); }

}  // namespace nodedevice::testing
