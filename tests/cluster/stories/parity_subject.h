#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "tests/cluster/stories/cluster.h"
#include "tests/cluster/stories/node.h"
#include "tests/support/program.h"
#include "tests/support/temp_dir.h"

namespace nodedevice::testing {

// A Device Manager in a comparison: a real kubelet's, or device-manager. What it says is put into
// words that do not depend on which one it is.
class Subject {
 public:
  virtual ~Subject() = default;

  virtual KubeletPaths paths() const = 0;
  // The node needs /dev/<name>, because a container will get it.
  virtual void ProvideDevice(const std::string& name) = 0;
  // Capacity and allocatable of a resource, -1: not shown.
  virtual Node::Counts Shows(const std::string& resource) = 0;

  // Hands over a pod of PodManifest's kind. Returns when it is decided: a line that says that it
  // was rejected and why, or a line for each container: what it got, or why it waits.
  virtual std::vector<std::string> Admit(const Json& pod) = 0;
  // Returns when the pod is gone.
  virtual void Delete(const std::string& pod) = 0;
  virtual std::string UidOf(const std::string& pod) = 0;
  // Restarts it with another topologyManagerPolicy, "none" at first.
  virtual void SetTopologyPolicy(const std::string& policy) = 0;
  // Returns when it answers again and knows its pods.
  virtual void Restart() = 0;

  // Namespace of every pod.
  static constexpr char kNamespace[] = "parity";
};

// On a node of the cluster, with a namespace of its own.
std::unique_ptr<Subject> MakeKubeletSubject(const std::string& node);
// device-manager on a folder of its own.
std::unique_ptr<Subject> MakeDeviceManagerSubject();
// The program behind it, as it is shipped.
std::filesystem::path DeviceManagerProgram();

}  // namespace nodedevice::testing
