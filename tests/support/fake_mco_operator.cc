#include "tests/support/fake_mco_operator.h"

#include <utility>

#include "lib/base/log.h"
#include "lib/kube/object_fields.h"

namespace nodedevice::testing {
namespace {

using Json = nlohmann::json;

constexpr const char* kCollections[] = {mco::kKubeletConfigs, mco::kMachineConfigs, mco::kPools,
                                        mco::kNodes};
constexpr auto kTryAgain = std::chrono::seconds(1);

absl::StatusOr<mco::Cluster> Read(ApiClient& client) {
  mco::Cluster cluster;
  std::vector<Json>* const kinds[] = {&cluster.kubelet_configs, &cluster.machine_configs,
                                      &cluster.pools, &cluster.nodes};
  for (std::size_t i = 0; i < std::size(kinds); ++i) {
    ASSIGN_OR_RETURN(const Json list, client.List(kCollections[i], "", ""));
    const Json& items = ListAt(list, "/items");
    kinds[i]->assign(items.begin(), items.end());
  }
  return cluster;
}

absl::Status Perform(ApiClient& client, const mco::Write& write) {
  switch (write.kind) {
    case mco::Write::Kind::kCreate:
      return client.Post(write.path, write.body).status();
    case mco::Write::Kind::kPatch:
      return client.MergePatch(write.path, write.body).status();
    case mco::Write::Kind::kDelete:
      return client.Delete(write.path, Json::object()).status();
  }
  return absl::OkStatus();
}

// Somebody else was faster; the next look shows what is to be done about it.
bool IsOvertaken(const absl::Status& status) {
  return absl::IsNotFound(status) || absl::IsAlreadyExists(status);
}

absl::Status PerformAll(ApiClient& client, const mco::Writes& writes) {
  for (const mco::Write& write : writes) {
    const absl::Status status = Perform(client, write);
    if (!status.ok() && !IsOvertaken(status)) return status;
  }
  return absl::OkStatus();
}

mco::Moment Now(std::chrono::seconds wall_behind) {
  return {.now = Clock::now(),
          .wall = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()) -
                  wall_behind};
}

FakeMco::Options WithHook(FakeMco::Options options, bool hooked) {
  options.updates_are_finished_by_others = hooked;
  return options;
}

}  // namespace

FakeMcoOperator::FakeMcoOperator(EventLoop& loop, Worker& worker, ApiClient& client,
                                 FakeMco::Options options, Hook hook, std::uint32_t seed)
    : loop_(loop),
      worker_(worker),
      client_(client),
      wall_behind_(options.wall_behind),
      hook_(std::move(hook)),
      mco_(WithHook(options, hook_ != nullptr)),
      timer_(loop, [this] { Look(); }) {
  const auto hint = [this] { Look(); };
  for (const char* collection : kCollections) {
    watchers_.push_back(std::make_unique<Watcher>(
        loop, worker, client, Watcher::Target{.path = collection, .selector = ""},
        Watcher::Callbacks{.on_upsert = [hint](const Json&) { hint(); },
                           .on_remove = [hint](const std::string&) { hint(); },
                           .on_synced = hint,
                           .on_problem =
                               [collection](const absl::Status& problem) {
                                 // Whoever lists next says it aloud.
                                 spdlog::debug("{}: {}", collection, problem.ToString());
                               }},
        ++seed));
  }
}

FakeMcoOperator::~FakeMcoOperator() { *alive_ = false; }

void FakeMcoOperator::Start() {
  for (const std::unique_ptr<Watcher>& watcher : watchers_) watcher->Start();
  Look();
}

void FakeMcoOperator::Look() {
  if (std::exchange(busy_, true)) {
    hinted_ = true;
    return;
  }
  hinted_ = false;
  timer_.Cancel();
  worker_.Do([this, &loop = loop_, &client = client_, alive = alive_] {
    loop.Post([this, alive, cluster = Read(client)] {
      if (*alive) Decide(cluster);
    });
  });
}

void FakeMcoOperator::Decide(const absl::StatusOr<mco::Cluster>& cluster) {
  if (!cluster.ok()) return Done(cluster.status());
  FakeMco::Decision decision = mco_.Step(*cluster, Now(wall_behind_));
  for (const mco::NodeUpdate& update : decision.updates) Begin(update);
  if (decision.writes.empty()) {
    busy_ = false;
    if (decision.look_again_at) timer_.At(*decision.look_again_at);
    if (hinted_) Look();
    return;
  }
  for (const mco::Write& write : decision.writes) {
    spdlog::debug("{} {}", static_cast<int>(write.kind), write.path);
  }
  worker_.Do([this, &loop = loop_, &client = client_, alive = alive_,
              writes = std::move(decision.writes)] {
    loop.Post([this, alive, status = PerformAll(client, writes)] {
      if (*alive) Done(status);
    });
  });
}

void FakeMcoOperator::Done(const absl::Status& status) {
  busy_ = false;
  if (status.ok()) return Look();
  spdlog::warn("trying again in a second: {}", std::string(status.message()));
  mco_.ForgetWhatWasSeen();
  timer_.After(kTryAgain);
}

void FakeMcoOperator::Begin(const mco::NodeUpdate& update) {
  spdlog::info("node {} goes to {}", update.node, mco::NameOf(update.machine_config));
  if (hook_ == nullptr) return;
  hook_(update, [this, alive = alive_, node = update.node](const std::string& error) {
    if (!*alive) return;
    if (!error.empty()) spdlog::warn("node {}: {}", node, error);
    mco_.FinishUpdate(node, error);
    Look();
  });
}

}  // namespace nodedevice::testing
