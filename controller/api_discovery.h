#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>

#include "lib/base/event_loop.h"
#include "lib/base/worker.h"
#include "lib/kube/api_client.h"

namespace nodedevice {

// Which API groups the cluster serves, asked for at the start and every ten minutes: what OpenShift
// has and others do not is found so, never by a version (contracts/openshift.md 1.2).
//
// Loop thread only; the asking is done by the worker. The client must outlive the worker.
class ApiDiscovery {
 public:
  using Groups = std::set<std::string>;

  // `on_found` is called with every answer.
  ApiDiscovery(EventLoop& loop, Worker& worker, ApiClient& client,
               std::function<void(const Groups&)> on_found);
  ~ApiDiscovery() { *alive_ = false; }
  ApiDiscovery(const ApiDiscovery&) = delete;
  ApiDiscovery& operator=(const ApiDiscovery&) = delete;

  void Start() { Ask(); }

 private:
  void Ask();
  void OnAnswer(const absl::StatusOr<nlohmann::json>& list);

  EventLoop& loop_;
  Worker& worker_;
  ApiClient& client_;
  const std::function<void(const Groups&)> on_found_;
  Timer again_;
  int failures_ = 0;
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // loop thread only
};

}  // namespace nodedevice
