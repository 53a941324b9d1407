#include "controller/api_discovery.h"

#include <utility>

#include "lib/base/backoff.h"
#include "lib/kube/object_fields.h"

namespace nodedevice {
namespace {

constexpr Backoff kBackoff = {.first = std::chrono::seconds(1), .limit = std::chrono::minutes(1)};
constexpr std::chrono::minutes kAgain{10};

}  // namespace

ApiDiscovery::ApiDiscovery(EventLoop& loop, Worker& worker, ApiClient& client,
                           std::function<void(const Groups&)> on_found)
    : loop_(loop),
      worker_(worker),
      client_(client),
      on_found_(std::move(on_found)),
      again_(loop, [this] { Ask(); }) {}

void ApiDiscovery::Ask() {
  worker_.Do([this, alive = alive_, &loop = loop_, &client = client_] {
    absl::StatusOr<nlohmann::json> list = client.Get("/apis");
    loop.Post([this, alive, list = std::move(list)] {
      if (*alive) OnAnswer(list);
    });
  });
}

void ApiDiscovery::OnAnswer(const absl::StatusOr<nlohmann::json>& list) {
  if (!list.ok() || !ValueAt(*list, "/groups").is_array()) {
    return again_.After(kBackoff.After(++failures_));
  }
  failures_ = 0;
  Groups groups;
  for (const nlohmann::json& group : ListAt(*list, "/groups")) {
    groups.insert(TextAt(group, "/name"));
  }
  again_.After(kAgain);
  on_found_(groups);
}

}  // namespace nodedevice
