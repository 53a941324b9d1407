#pragma once

#include <functional>
#include <memory>
#include <string>

#include "agent/snapshot.h"
#include "lib/base/event_loop.h"
#include "lib/base/worker.h"
#include "lib/kube/api_client.h"

namespace nodedevice {

// What the API says of this node. Looked up when asked, and again after a while when the API did
// not answer or does not know it yet; it is not watched, since it changes only with the kubelet.
//
// Loop thread only.
class NodeFacts {
 public:
  NodeFacts(EventLoop& loop, Worker& worker, ApiClient& client, const std::string& node_name,
            std::function<void(const NodeInfo&)> on_found);
  ~NodeFacts() { *alive_ = false; }
  NodeFacts(const NodeFacts&) = delete;
  NodeFacts& operator=(const NodeFacts&) = delete;

  void Look();

 private:
  void Ask();
  void OnAnswer(const absl::StatusOr<nlohmann::json>& node);

  EventLoop& loop_;
  Worker& worker_;
  ApiClient& client_;
  const std::string path_;
  const std::function<void(const NodeInfo&)> on_found_;
  bool looking_ = false;  // until it is found
  int failures_ = 0;
  Timer again_;
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace nodedevice
