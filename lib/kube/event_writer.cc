#include "lib/kube/event_writer.h"

#include <string>
#include <utility>

#include "lib/base/backoff.h"
#include "lib/base/log.h"
#include "lib/kube/api_event.h"

namespace nodedevice {
namespace {

constexpr Backoff kBackoff = {.first = std::chrono::seconds(2), .limit = std::chrono::seconds(60)};

}  // namespace

EventWriter::EventWriter(EventLoop& loop, Worker& worker, ApiClient& client)
    : loop_(loop), worker_(worker), client_(client), pause_(loop, [this] {
        EndPause();
        Write();
      }) {}

void EventWriter::Add(nlohmann::json event) {
  if (events_.size() == kMostEvents) events_.pop_front();
  events_.push_back(std::move(event));
  Write();
}

void EventWriter::ServerIsBack() {
  if (!waits_) return;
  EndPause();
  Write();
}

void EventWriter::EndPause() {
  pause_.Cancel();
  waits_ = is_busy_ = false;
}

void EventWriter::Write() {
  if (events_.empty() || is_busy_) return;
  is_busy_ = true;
  nlohmann::json event = std::move(events_.front());
  events_.pop_front();
  worker_.Do([this, alive = alive_, &loop = loop_, &client = client_, event = std::move(event)] {
    const absl::Status status = client.Post(kClusterEvents, event).status();
    loop.Post([this, alive, event, status] {
      if (*alive) OnWritten(event, status);
    });
  });
}

void EventWriter::OnWritten(nlohmann::json event, const absl::Status& status) {
  const bool may_work_later = absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status) ||
                              absl::IsResourceExhausted(status) ||
                              absl::IsUnauthenticated(status) || absl::IsDataLoss(status);
  if (may_work_later) {
    if (events_.size() < kMostEvents) events_.push_front(std::move(event));
    waits_ = true;
    return pause_.After(kBackoff.After(++failures_));
  }
  // An earlier try may have arrived, though its answer did not.
  const bool taken = status.ok() || absl::IsAlreadyExists(status);
  if (!taken) spdlog::warn("an event was not taken: {}", std::string(status.message()));
  failures_ = 0;
  is_busy_ = false;
  Write();
}

}  // namespace nodedevice
