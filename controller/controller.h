#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "controller/api_writes.h"
#include "controller/cluster_view.h"
#include "controller/cluster_watch.h"
#include "controller/settings.h"
#include "controller/snapshot.h"
#include "lib/base/event_loop.h"
#include "lib/base/worker.h"
#include "lib/kube/api_client.h"
#include "lib/kube/api_event.h"
#include "lib/kube/event_writer.h"
#include "lib/kube/work_queue.h"

namespace nodedevice {

// The controller at work: watches the cluster, plans whenever it has changed, and does what the
// plan says, one write at a time. Each object that is to be written is a key of the queue, so that
// one that the API refuses is tried again with growing pauses and holds nobody up; planning is a
// key, too.
//
//   watch -> view -> plan -> queue -> write -> watch ...
//
// The answer to a write is not taken into the view: it may be older than what the watch has told
// since, and of an object that is gone by now.
//
// Loop thread only; writes are done by the worker. The client must outlive the workers, all of them
// this.
class Controller {
 public:
  struct Callbacks {
    std::function<bool()> may_write;    // asked right before each write: whether it still leads
    std::function<void()> on_snapshot;  // what Fill() would say has changed
  };

  Controller(EventLoop& loop, Worker& worker, ApiClient& client, const Settings& settings,
             const std::string& instance, Callbacks callbacks, std::uint32_t seed);
  ~Controller();
  Controller(const Controller&) = delete;
  Controller& operator=(const Controller&) = delete;

  // To be called once, when it leads.
  void Start();

  // Calls `done` when the write that is on its way has been answered; no other follows.
  void Stop(std::function<void()> done);

  // What it knows of itself and of the cluster.
  void Fill(ControllerSnapshot& snapshot) const;

 private:
  // What was tried last and failed.
  struct Failure {
    ApiWrite write;
    std::string problem;
  };

  struct Done {
    ApiWrite write;
    TimePoint when;
  };

  void WantPlan();
  void Turn();
  void MakePlanNow();
  void Enqueue(const std::string& key, const ApiWrite& write);
  void Write(const std::string& key);
  void OnWritten(const ApiWrite& write, TimePoint began, const absl::Status& status);
  void NoteOutcome(const ApiWrite& write, const absl::Status& status);
  void Tell(const std::string& object);
  void Sleep();

  EventLoop& loop_;
  Worker& worker_;
  ApiClient& client_;
  const Settings settings_;
  const EventReporter reporter_;
  const Callbacks callbacks_;
  ClusterView view_;
  ClusterWatch watch_;
  EventWriter events_;
  EventThrottle throttle_;
  std::int64_t event_number_ = 0;
  WorkQueue queue_;
  std::map<std::string, ApiWrite> wanted_;           // by object: the newest plan
  std::multimap<std::string, ConfigEvent> to_tell_;  // of that plan, by object
  std::map<std::string, Failure> failures_;
  std::map<std::string, Done> done_;  // what was written last
  TimePoint next_plan_;               // not before: thinking must leave time for the rest
  bool turn_is_due_ = false;
  bool writing_ = false;
  std::function<void()> stopped_;
  ControllerSnapshot statistics_;
  Timer wake_;
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // loop thread only
};

}  // namespace nodedevice
