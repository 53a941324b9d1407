#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "lib/kubelet/paths.h"
#include "tests/cluster/stories/cluster.h"

namespace nodedevice::testing {

// A node of the cluster, made for a story and removed at its end: a real kubelet and a real
// containerd in namespaces of their own, with a /dev of their own.
class Node {
 public:
  // Returns when the node is Ready.
  Node(Cluster cluster, std::string name);
  ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  const Cluster& cluster() const { return cluster_; }
  const std::string& name() const { return name_; }

  // ---- as a folder, and as a machine to run things on ------------------------------------------
  // Where the node's own files are kept. What is added there ends with the node.
  std::filesystem::path Folder() const;
  // A path of the node, as this process can open it.
  std::filesystem::path Path(const std::string& path_on_node) const;
  KubeletPaths kubelet_paths() const { return KubeletPaths(Path("/var/lib/kubelet")); }
  // The command line that runs a program there. It is a child of the process that this line starts,
  // and hears no signal that is sent to that one: see Processes().
  std::vector<std::string> OnNode(const std::vector<std::string>& command) const;
  // The same for a program that needs the node's files and network only: it is that process.
  std::vector<std::string> OnNodesFiles(const std::vector<std::string>& command) const;
  CommandResult Run(const std::vector<std::string>& command) const;
  // What the agent there answers on its port; empty when it does not.
  std::string AgentSays(const std::string& path) const;
  // Whether its metrics have this line, which is spelled without the prefix "nodedevice_".
  bool AgentSaysMetric(const std::string& line) const;

  // Processes there with this name (as `ps -o comm` has it), by their numbers here.
  std::vector<pid_t> Processes(const std::string& comm) const;
  // Waits until there are at least as many of this name, and none of those before: what is well is
  // not the memory of what was before.
  bool WaitForOthersThan(const std::vector<pid_t>& before, const std::string& comm) const;
  // The sockets that our plugins serve on.
  std::vector<std::filesystem::path> PluginSockets() const;

  // ---- what happens to it ----------------------------------------------------------------------
  // Makes or removes /dev/<name>.
  void Plug(const std::string& name) const;
  void Unplug(const std::string& name) const;
  // Ends it and returns when it is gone. Its socket stays behind.
  void StopKubelet(int signal) const;
  // Returns when it answers on kubelet.sock.
  void StartKubelet() const;
  void RestartKubelet(int signal) const;
  void RestartContainerd() const;

  // ---- what the node tells the API server ------------------------------------------------------
  // -1: the node does not show the resource.
  struct Counts {
    int capacity = -1;
    int allocatable = -1;
    bool operator==(const Counts&) const = default;
  };
  Counts Shows(const std::string& resource) const;
  // Says on failure what it shows instead, and what its kubelet knows: whose fault it is.
  ::testing::AssertionResult WaitUntilItShows(const std::string& resource, Counts counts) const;
  static constexpr std::chrono::milliseconds kStatusPace{200};

 private:
  pid_t Holder() const;
  std::vector<std::string> Enter(const std::vector<std::string>& namespaces,
                                 const std::vector<std::string>& command) const;

  Cluster cluster_;
  std::string name_;
};

// What a kubelet says itself, at once, on its podresources socket. It answers a hundred questions a
// second and refuses more: wait with kKubeletPace.
class KubeletView {
 public:
  using Ids = std::set<std::string>;
  using ByResource = std::map<std::string, Ids>;

  explicit KubeletView(std::filesystem::path socket) : socket_(std::move(socket)) {}

  // The healthy devices of every resource; nothing while the kubelet does not answer.
  ByResource Healthy() const;
  // What the container "main" of a pod holds.
  ByResource HeldBy(const std::string& pod) const;
  // Everything that it says of a pod, and of allocatable resources whose names begin so; sorted.
  std::vector<std::string> Describe(const std::string& pod, const std::string& resources) const;

 private:
  std::filesystem::path socket_;
};
inline constexpr std::chrono::milliseconds kKubeletPace(15);

}  // namespace nodedevice::testing
