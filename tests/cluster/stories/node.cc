#include "tests/cluster/stories/node.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gtest/gtest.h"
#include "lib/base/file.h"
#include "lib/kubelet/socket_identity.h"
#include "proto/podresources.grpc.pb.h"
#include "tests/support/program.h"
#include "tests/support/unix_channel.h"
#include "tests/support/wait_for.h"

namespace nodedevice::testing {
namespace {

namespace fs = std::filesystem;

// "1k" and "12": quantities as the API server writes numbers of devices.
int ToCount(const std::string& quantity) {
  int count = -1;
  if (quantity.ends_with("k")) {
    return absl::SimpleAtoi(quantity.substr(0, quantity.size() - 1), &count) ? count * 1000 : -1;
  }
  return absl::SimpleAtoi(quantity, &count) ? count : -1;
}

std::unique_ptr<v1::PodResourcesLister::Stub> PodResourcesAt(const fs::path& socket) {
  return v1::PodResourcesLister::NewStub(UnixChannel(socket));
}

}  // namespace

Node::Node(Cluster cluster, std::string name)
    : cluster_(std::move(cluster)), name_(std::move(name)) {
  cluster_.Manage("add-node", {name_});
}

Node::~Node() {
  const char* keep = std::getenv("KEEP");
  if (keep != nullptr && *keep != '\0') return;
  try {
    cluster_.Manage("remove-node", {name_});
  } catch (const std::exception& error) {
    ADD_FAILURE() << error.what();
  }
}

fs::path Node::Folder() const { return cluster_.Folder() / "nodes" / name_; }

pid_t Node::Holder() const {
  const auto text = ReadAttribute(Folder() / "pid");
  pid_t pid = 0;
  if (!text.ok() || !absl::SimpleAtoi(*text, &pid)) throw std::runtime_error("no node " + name_);
  return pid;
}

fs::path Node::Path(const std::string& path_on_node) const {
  return absl::StrCat("/proc/", Holder(), "/root", path_on_node);
}

std::vector<std::string> Node::OnNode(const std::vector<std::string>& command) const {
  return Enter({"--mount", "--net", "--uts", "--pid"}, command);
}

std::vector<std::string> Node::OnNodesFiles(const std::vector<std::string>& command) const {
  return Enter({"--mount", "--net"}, command);
}

std::vector<std::string> Node::Enter(const std::vector<std::string>& namespaces,
                                     const std::vector<std::string>& command) const {
  std::vector<std::string> line = {"/usr/bin/nsenter", absl::StrCat("--target=", Holder()),
                                   "--wd=/"};
  line.insert(line.end(), namespaces.begin(), namespaces.end());
  line.push_back("--");
  line.insert(line.end(), command.begin(), command.end());
  return line;
}

CommandResult Node::Run(const std::vector<std::string>& command) const {
  return RunCommand(OnNode(command));
}

std::string Node::AgentSays(const std::string& path) const {
  return Run({"curl", "--silent", "--max-time", "5", "http://127.0.0.1:9807" + path}).out;
}

bool Node::AgentSaysMetric(const std::string& line) const {
  return AgentSays("/metrics").find("\nnodedevice_" + line + "\n") != std::string::npos;
}

std::vector<pid_t> Node::Processes(const std::string& comm) const {
  const auto namespace_of = [](pid_t pid) {
    std::error_code error;
    return fs::read_symlink(absl::StrCat("/proc/", pid, "/ns/net"), error);
  };
  const fs::path here = namespace_of(Holder());
  std::vector<pid_t> found;
  const fs::path proc = "/proc";
  for (const std::string& entry : NamesIn(proc)) {
    pid_t pid = 0;
    if (!absl::SimpleAtoi(entry, &pid)) continue;
    const auto name = ReadAttribute(proc / entry / "comm");
    // The kernel keeps fifteen characters of a name.
    if (name.ok() && *name == comm.substr(0, 15) && namespace_of(pid) == here && !HasEnded(pid)) {
      found.push_back(pid);
    }
  }
  return found;
}

bool Node::WaitForOthersThan(const std::vector<pid_t>& before, const std::string& comm) const {
  return WaitFor([&] {
    const std::vector<pid_t> now = Processes(comm);
    return now.size() >= before.size() &&
           std::find_first_of(now.begin(), now.end(), before.begin(), before.end()) == now.end();
  });
}

std::vector<fs::path> Node::PluginSockets() const {
  std::vector<fs::path> sockets;
  for (const auto& entry : fs::directory_iterator(kubelet_paths().device_plugins())) {
    if (entry.path().filename().string().starts_with("nd-")) sockets.push_back(entry.path());
  }
  return sockets;
}

void Node::Plug(const std::string& name) const {
  // The device behind /dev/null: nothing happens to whoever opens it.
  const fs::path path = Path("/dev/" + name);
  if (::mknod(path.c_str(), S_IFCHR | 0666, makedev(1, 3)) != 0) {
    throw std::runtime_error("mknod " + path.string());
  }
}

void Node::Unplug(const std::string& name) const { fs::remove(Path("/dev/" + name)); }

void Node::StopKubelet(int signal) const {
  const std::vector<pid_t> kubelets = Processes("kubelet");
  if (kubelets.size() != 1) throw std::runtime_error("there is not one kubelet");
  ::kill(kubelets[0], signal);
  // Until it is buried: before that, one of its threads may still accept connections.
  const fs::path process = absl::StrCat("/proc/", kubelets[0]);
  if (!WaitFor([&] { return !fs::exists(process); })) {
    throw std::runtime_error("the kubelet does not end");
  }
}

void Node::StartKubelet() const {
  cluster_.Manage("start", {name_, "kubelet"});
  if (!WaitFor([&] { return Connects(kubelet_paths().registration_socket()).ok(); })) {
    throw std::runtime_error("the kubelet does not answer");
  }
}

void Node::RestartKubelet(int signal) const {
  StopKubelet(signal);
  StartKubelet();
}

void Node::RestartContainerd() const {
  for (const pid_t pid : Processes("containerd")) {
    ::kill(pid, SIGTERM);
    WaitFor([pid] { return HasEnded(pid); });
  }
  cluster_.Manage("start", {name_, "containerd"});
}

Node::Counts Node::Shows(const std::string& resource) const {
  const Json node = cluster_.Get("/api/v1/nodes/" + name_).value_or(Json::object());
  const auto count = [&](const char* field) {
    const auto status = node.value("status", Json::object()).value(field, Json::object());
    return status.contains(resource) ? ToCount(status[resource].get<std::string>()) : -1;
  };
  return {.capacity = count("capacity"), .allocatable = count("allocatable")};
}

::testing::AssertionResult Node::WaitUntilItShows(const std::string& resource,
                                                  Counts counts) const {
  Counts shown;
  const auto shows = [&] { return (shown = Shows(resource)) == counts; };
  if (WaitFor(shows, kStatusPace)) return ::testing::AssertionSuccess();
  KubeletView::ByResource healthy = KubeletView(kubelet_paths().pod_resources_socket()).Healthy();
  return ::testing::AssertionFailure()
         << name_ << " shows capacity " << shown.capacity << ", allocatable " << shown.allocatable
         << " of " << resource << ", not " << counts.capacity << ", " << counts.allocatable
         << "; its kubelet knows these healthy: " << absl::StrJoin(healthy[resource], " ");
}

KubeletView::ByResource KubeletView::Healthy() const {
  grpc::ClientContext context;
  v1::AllocatableResourcesResponse response;
  ByResource healthy;
  if (!PodResourcesAt(socket_)->GetAllocatableResources(&context, {}, &response).ok()) return {};
  for (const v1::ContainerDevices& devices : response.devices()) {
    healthy[devices.resource_name()].insert(devices.device_ids().begin(),
                                            devices.device_ids().end());
  }
  return healthy;
}

KubeletView::ByResource KubeletView::HeldBy(const std::string& pod) const {
  grpc::ClientContext context;
  v1::ListPodResourcesResponse response;
  ByResource held;
  if (!PodResourcesAt(socket_)->List(&context, {}, &response).ok()) return {};
  for (const v1::PodResources& known : response.pod_resources()) {
    if (known.name() != pod) continue;
    for (const v1::ContainerResources& container : known.containers()) {
      for (const v1::ContainerDevices& devices : container.devices()) {
        held[devices.resource_name()].insert(devices.device_ids().begin(),
                                             devices.device_ids().end());
      }
    }
  }
  return held;
}

std::vector<std::string> KubeletView::Describe(const std::string& pod,
                                               const std::string& resources) const {
  std::vector<std::string> lines;
  grpc::ClientContext listing;
  v1::ListPodResourcesResponse list;
  PodResourcesAt(socket_)->List(&listing, {}, &list);
  for (const v1::PodResources& known : list.pod_resources()) {
    if (known.name() != pod) continue;
    for (const v1::ContainerResources& container : known.containers()) {
      lines.push_back(absl::StrCat("container ", container.name()));
      for (const v1::ContainerDevices& devices : container.devices()) {
        lines.push_back(absl::StrCat(container.name(), " has ", devices.ShortDebugString()));
      }
    }
  }
  grpc::ClientContext asking;
  v1::AllocatableResourcesResponse allocatable;
  PodResourcesAt(socket_)->GetAllocatableResources(&asking, {}, &allocatable);
  for (const v1::ContainerDevices& devices : allocatable.devices()) {
    if (!devices.resource_name().starts_with(resources)) continue;
    lines.push_back(absl::StrCat("allocatable ", devices.ShortDebugString()));
  }
  std::sort(lines.begin(), lines.end());
  return lines;
}

}  // namespace nodedevice::testing
