#include "agent/manager_inquiry.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "agent/missing_manager.h"
#include "lib/base/log.h"
#include "lib/kube/object_fields.h"

namespace nodedevice {
namespace {

using Json = nlohmann::json;

constexpr char kPools[] = "/apis/machineconfiguration.openshift.io/v1/machineconfigpools";
constexpr char kKubeletConfigs[] = "/apis/machineconfiguration.openshift.io/v1/kubeletconfigs";
constexpr char kFeatureGate[] = "/apis/config.openshift.io/v1/featuregates/cluster";

// What stands at `path`. Null when the cluster does not know it, or does not let us read it: then
// `refused` says so. An error when there was no answer.
absl::StatusOr<Json> Read(ApiClient& client, const std::string& path, std::string& refused) {
  absl::StatusOr<Json> answer = client.Get(path);
  if (absl::IsNotFound(answer.status())) return Json();
  if (absl::IsPermissionDenied(answer.status())) {
    absl::StrAppend(&refused, refused.empty() ? "" : "; ", answer.status().message());
    return Json();
  }
  return answer;
}

absl::StatusOr<ClusterView> ReadView(ApiClient& client, const std::string& node_name,
                                     std::string& refused) {
  ClusterView view;
  view.node_name = node_name;
  ASSIGN_OR_RETURN(view.node, Read(client, absl::StrCat("/api/v1/nodes/", node_name), refused));
  view.has_node = !view.node.is_null() || !refused.empty();
  ASSIGN_OR_RETURN(const Json pools, Read(client, kPools, refused));
  if (!pools.is_null()) {
    view.pools = ListAt(pools, "/items");
    ASSIGN_OR_RETURN(const Json configs, Read(client, kKubeletConfigs, refused));
    view.kubelet_configs = ListAt(configs, "/items");
  }
  ASSIGN_OR_RETURN(view.feature_gate, Read(client, kFeatureGate, refused));
  return view;
}

}  // namespace

ManagerInquiry::ManagerInquiry(EventLoop& loop, Worker& worker, ApiClient& client,
                               std::string node_name, OnExplained on_explained, std::uint32_t seed,
                               Backoff pauses)
    : loop_(loop),
      worker_(worker),
      client_(client),
      node_name_(std::move(node_name)),
      on_explained_(std::move(on_explained)),
      schedule_(seed, pauses),
      timer_(loop, [this] { AskWhenDue(); }) {}

void ManagerInquiry::Observe(const DeviceManagerStatus& manager) {
  if (manager.up) {
    down_since_.reset();
    schedule_.Up();
    return timer_.Cancel();
  }
  down_since_ = manager.since;
  schedule_.Down(manager.since);
  AskWhenDue();
}

void ManagerInquiry::AskWhenDue() {
  if (schedule_.Take(Clock::now())) {
    worker_.Do([this, alive = alive_, &loop = loop_, &client = client_, node_name = node_name_,
                since = down_since_] {
      Answer answer = Inquire(client, node_name);
      loop.Post([this, alive, since, answer = std::move(answer)]() mutable {
        if (*alive) OnAnswer(since, std::move(answer));
      });
    });
  }
  if (const std::optional<TimePoint> next = schedule_.NextDeadline()) timer_.At(*next);
}

ManagerInquiry::Answer ManagerInquiry::Inquire(ApiClient& client, const std::string& node_name) {
  Answer answer;
  absl::StatusOr<ClusterView> view = ReadView(client, node_name, answer.refused);
  if (view.ok()) {
    answer.explanation = ExplainMissingManager(*std::move(view));
  } else {
    answer.explanation = view.status();
  }
  return answer;
}

void ManagerInquiry::OnAnswer(std::optional<TimePoint> down_since, Answer answer) {
  schedule_.Done(answer.explanation.status(), Clock::now());
  if (!answer.refused.empty() && answer.refused != refused_) {
    spdlog::debug("not all of why the Device Manager may be down can be read: {}", answer.refused);
    refused_ = answer.refused;
  }
  // It may have come back, and gone again, in the meantime.
  if (down_since_ && down_since_ == down_since) {
    on_explained_(answer.explanation.ok() ? *std::move(answer.explanation)
                                          : std::vector<std::string>());
  }
  AskWhenDue();
}

}  // namespace nodedevice
