#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "controller/api_discovery.h"
#include "controller/cluster_view.h"
#include "lib/kube/watcher.h"

namespace nodedevice {

// Keeps a ClusterView equal to the cluster, by a watch for each kind, and for OpenShift's kinds
// where the cluster has their API.
//
// Loop thread only; lists are read by the worker. The client must outlive the worker, all of them
// this.
class ClusterWatch {
 public:
  struct Callbacks {
    std::function<void()> on_change;   // the view is different now
    std::function<void()> on_problem;  // problems() are
  };

  // Agents' pods and DaemonSets are looked for in `name_space`.
  ClusterWatch(EventLoop& loop, Worker& worker, ApiClient& client, const std::string& name_space,
               ClusterView& view, Callbacks callbacks, std::uint32_t seed);

  void Start();

  // Why what is known may be old: "Nodes: ..." for each kind whose watch has a problem.
  std::vector<std::string> Problems() const;

 private:
  void AddWatcher(ObjectKind kind, Watcher::Target target, EventLoop& loop, Worker& worker,
                  ApiClient& client, std::uint32_t seed);
  void OnGroups(const ApiDiscovery::Groups& groups);
  void OnProblem(ObjectKind kind, const absl::Status& problem);
  void Changed(bool changed) {
    if (changed) callbacks_.on_change();
  }

  ClusterView& view_;
  const Callbacks callbacks_;
  std::map<ObjectKind, absl::Status> problems_;
  std::map<ObjectKind, std::unique_ptr<Watcher>> watchers_;
  std::set<ObjectKind> started_;  // of the optional ones
  ApiDiscovery discovery_;
};

}  // namespace nodedevice
