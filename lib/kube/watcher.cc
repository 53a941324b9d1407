#include "lib/kube/watcher.h"

#include <utility>

namespace nodedevice {

Watcher::Watcher(EventLoop& loop, Worker& worker, ApiClient& client, Target target,
                 Callbacks callbacks, std::uint32_t seed)
    : loop_(loop),
      worker_(worker),
      client_(client),
      target_(std::move(target)),
      callbacks_(std::move(callbacks)),
      session_(seed, target_.is_large ? "" : "0"),
      deadline_(loop, [this] { Handle(WatchSession::DeadlinePassed{}); }) {}

Watcher::~Watcher() { *alive_ = false; }

void Watcher::Start() {
  const std::vector<WatchSession::Action> actions = session_.Start(Clock::now());
  // That nothing has been asked yet is no news.
  problem_ = session_.problem();
  Perform(actions);
}

void Watcher::Handle(WatchSession::Event event) {
  Perform(session_.Handle(std::move(event), Clock::now()));
}

void Watcher::Perform(const std::vector<WatchSession::Action>& actions) {
  for (const WatchSession::Action& action : actions) {
    std::visit([this](const auto& what) { Do(what); }, action);
  }
  if (const std::optional<TimePoint> next = session_.NextDeadline()) {
    deadline_.At(*next);
  } else {
    deadline_.Cancel();
  }
  if (problem_ == session_.problem()) return;
  problem_ = session_.problem();
  if (callbacks_.on_problem) callbacks_.on_problem(problem_);
}

void Watcher::Do(const WatchSession::List& action) {
  stream_.reset();
  worker_.Do([this, alive = alive_, &loop = loop_, &client = client_, target = target_,
              version = action.resource_version] {
    absl::StatusOr<nlohmann::json> list =
        client.List(target.path, target.selector, version, target.trim);
    loop.Post([this, alive, list = std::move(list)]() mutable {
      if (!*alive) return;
      if (list.ok()) {
        Handle(WatchSession::Listed{*std::move(list)});
      } else {
        Handle(WatchSession::ListFailed{list.status()});
      }
    });
  });
}

void Watcher::Do(const WatchSession::Watch& action) {
  const std::uint64_t number = ++stream_number_;
  const auto post = [this, number, alive = alive_, &loop = loop_](WatchSession::Event event) {
    loop.Post([this, number, alive, event = std::move(event)]() mutable {
      if (*alive && number == stream_number_) Handle(std::move(event));
    });
  };
  stream_ = client_.Watch(
      target_.path, target_.selector, action.resource_version, action.timeout,
      {.on_open = [post] { post(WatchSession::Opened{}); },
       .on_bytes = [post](std::string bytes) { post(WatchSession::Received{std::move(bytes)}); },
       .on_end = [post](absl::Status status) { post(WatchSession::Ended{std::move(status)}); }});
}

void Watcher::Do(const WatchSession::CloseStream&) {
  ++stream_number_;
  stream_.reset();
}

void Watcher::Do(const WatchSession::Upsert& action) {
  if (callbacks_.on_upsert) callbacks_.on_upsert(action.object);
}

void Watcher::Do(const WatchSession::Remove& action) {
  if (callbacks_.on_remove) callbacks_.on_remove(action.key);
}

void Watcher::Do(const WatchSession::Synced&) {
  if (callbacks_.on_synced) callbacks_.on_synced();
}

}  // namespace nodedevice
