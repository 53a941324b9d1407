#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "nlohmann/json.hpp"
#include "tests/cluster/stories/command.h"

namespace nodedevice::testing {

using Json = nlohmann::json;

// The cluster that tests/cluster/e2e has started, as an administrator sees it: through kubectl.
// A value without state; what cannot be done throws, because no story goes on without it.
class Cluster {
 public:
  // The one of this run: the environment variable NODEDEVICE_CLUSTER names it.
  Cluster();
  explicit Cluster(std::string name) : name_(std::move(name)) {}

  const std::string& name() const { return name_; }
  // Its files; the nodes' are below.
  std::filesystem::path Folder() const;
  std::filesystem::path Kubeconfig() const { return Folder() / "kubeconfig"; }

  // tests/cluster/cluster COMMAND NAME ARGUMENTS...
  void Manage(const std::string& command, const std::vector<std::string>& arguments = {}) const;

  CommandResult Kubectl(const std::vector<std::string>& arguments,
                        const std::string& input = "") const;
  // The same, for what a story cannot go on without: its output.
  std::string MustKubectl(const std::vector<std::string>& arguments,
                          const std::string& input = "") const;

  // An object by its path, such as "/api/v1/nodes/n1"; nullopt: there is none.
  std::optional<Json> Get(const std::string& path) const;
  // An empty object: there is none.
  Json GetPod(const std::string& namespace_name, const std::string& name) const;
  void Create(const Json& object) const;
  // Returns when the object is gone. That it cannot be deleted is a failure of the test: this is
  // for the end of a story.
  void Delete(const std::string& kind, const std::string& name,
              const std::string& namespace_name) const;

  // Makes a namespace in which pods can be created.
  void MakeNamespace(const std::string& namespace_name) const;
  void DeleteNamespace(const std::string& namespace_name) const;

 private:
  std::vector<std::string> KubectlLine(const std::vector<std::string>& arguments) const;

  std::string name_;
};

// A container of a pod: the stories' image, and its command unless another is given.
Json ContainerSpec(const std::string& name, const std::map<std::string, int>& limits,
                   const std::vector<std::string>& command = {});

// What a pod of a story asks for.
struct PodRequest {
  std::string name;
  std::string namespace_name;
  std::string node;
  std::map<std::string, int> limits;  // of its container "main"
  bool scheduled = true;  // false: handed to the node's kubelet without asking the scheduler
};
Json PodManifest(const PodRequest& request);

// A pod that has been created: what the API server says of it.
class Pod {
 public:
  // Creates it.
  Pod(const Cluster& cluster, PodRequest request);

  Json Get() const;
  std::string Phase() const;
  bool WaitUntilRunning() const;
  int Restarts() const;
  // Runs a command in its container.
  CommandResult Exec(const std::vector<std::string>& command) const;
  // status.containerStatuses[0].allocatedResourcesStatus as resource -> device -> health.
  std::map<std::string, std::map<std::string, std::string>> ResourceHealth() const;
  void Delete() const;

 private:
  Cluster cluster_;
  PodRequest request_;
};

}  // namespace nodedevice::testing
