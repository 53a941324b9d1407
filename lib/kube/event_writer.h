#pragma once

#include <cstddef>
#include <deque>
#include <memory>

#include "lib/base/event_loop.h"
#include "lib/base/worker.h"
#include "lib/kube/api_client.h"

namespace nodedevice {

// Posts Events one after the other, in order. While the API is away it keeps the newest of them and
// tries again with growing pauses; an event that the API refuses is logged and dropped.
//
// Loop thread only; the worker does the posting. The client must outlive the worker, both the
// writer.
class EventWriter {
 public:
  static constexpr std::size_t kMostEvents = 64;  // that wait

  EventWriter(EventLoop& loop, Worker& worker, ApiClient& client);
  ~EventWriter() { *alive_ = false; }
  EventWriter(const EventWriter&) = delete;
  EventWriter& operator=(const EventWriter&) = delete;

  // An event of RenderEvent().
  void Add(nlohmann::json event);

  // The API is known to be back: what waits for its next try does not wait any longer.
  void ServerIsBack();

 private:
  void Write();
  void EndPause();
  void OnWritten(nlohmann::json event, const absl::Status& status);

  EventLoop& loop_;
  Worker& worker_;
  ApiClient& client_;
  std::deque<nlohmann::json> events_;  // oldest first
  bool is_busy_ = false;               // one is being written, or waits for its next try
  bool waits_ = false;                 // for its next try
  int failures_ = 0;                   // in a row
  Timer pause_;
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // loop thread only
};

}  // namespace nodedevice
