#include "agent/node_facts.h"

#include <utility>

#include "lib/base/backoff.h"
#include "lib/kube/object_fields.h"

namespace nodedevice {
namespace {

constexpr Backoff kBackoff = {.first = std::chrono::seconds(5), .limit = std::chrono::minutes(5)};

}  // namespace

NodeFacts::NodeFacts(EventLoop& loop, Worker& worker, ApiClient& client,
                     const std::string& node_name, std::function<void(const NodeInfo&)> on_found)
    : loop_(loop),
      worker_(worker),
      client_(client),
      path_(absl::StrCat("/api/v1/nodes/", node_name)),
      on_found_(std::move(on_found)),
      again_(loop, [this] { Ask(); }) {}

void NodeFacts::Look() {
  // Asked for with each snapshot while nothing is known: the pause after a failure must hold.
  if (std::exchange(looking_, true)) return;
  Ask();
}

void NodeFacts::Ask() {
  worker_.Do([this, alive = alive_, &loop = loop_, &client = client_, path = path_] {
    absl::StatusOr<nlohmann::json> node = client.Get(path);
    loop.Post([this, alive, node = std::move(node)] {
      if (*alive) OnAnswer(node);
    });
  });
}

void NodeFacts::OnAnswer(const absl::StatusOr<nlohmann::json>& node) {
  const NodeInfo info =
      node.ok() ? NodeInfo{TextAt(*node, "/status/nodeInfo/kubeletVersion")} : NodeInfo();
  if (info == NodeInfo()) return again_.After(kBackoff.After(++failures_));
  looking_ = false;
  failures_ = 0;
  on_found_(info);
}

}  // namespace nodedevice
