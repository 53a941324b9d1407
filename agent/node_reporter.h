#pragma once

#include <deque>
#include <functional>
#include <memory>

#include "agent/latest_writer.h"
#include "agent/node_events.h"
#include "agent/node_state.h"
#include "lib/base/event_loop.h"
#include "lib/base/worker.h"
#include "lib/kube/api_client.h"
#include "lib/kube/api_event.h"
#include "lib/kube/event_writer.h"

namespace nodedevice {

// Tells the API what the agent sees: keeps the NodeDeviceState equal to the newest snapshot, and
// writes Events. While the API is away it remembers the newest state and the newest events, and
// catches up.
//
// Loop thread only; the writing is done by the worker.
class NodeReporter {
 public:
  static constexpr Duration kLastWords = std::chrono::seconds(3);

  NodeReporter(EventLoop& loop, Worker& worker, ApiClient& client, NodeIdentity identity,
               std::uint32_t seed);
  ~NodeReporter() { *alive_ = false; }
  NodeReporter(const NodeReporter&) = delete;
  NodeReporter& operator=(const NodeReporter&) = delete;

  // To be called for each snapshot that is published. When the configuration can be followed again,
  // the server is back, and what could not be written is tried at once.
  void Observe(const Snapshot& before, const Snapshot& after);

  // Writes the last state, for at most kLastWords, then calls `done`.
  void Finish(std::function<void()> done);

 private:
  struct Moment {
    ApiEvent event;
    WallTime when;
  };

  void WriteState();
  void StartWriting(nlohmann::json version);
  void OnStateWritten(const absl::StatusOr<std::string>& uid);
  void TellEvents();
  void FinishIfSettled();

  EventLoop& loop_;
  Worker& worker_;
  ApiClient& client_;
  const NodeIdentity identity_;
  NodeStateRenderer renderer_;
  LatestWriter writer_;
  nlohmann::json object_;  // as it was applied last
  std::string uid_;        // of the NodeDeviceState; empty until it was written once
  EventThrottle throttle_;
  EventWriter event_writer_;
  std::deque<Moment> events_;      // that wait until there is a state to be about, oldest first
  std::int64_t event_number_ = 0;  // keeps names of the same moment apart
  std::string problem_;            // of writing the state, as it was logged
  std::function<void()> done_;
  Timer state_timer_;
  Timer finish_timer_;
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace nodedevice
