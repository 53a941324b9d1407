#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "lib/base/event_loop.h"
#include "lib/base/worker.h"
#include "lib/kube/api_client.h"
#include "lib/kube/watcher.h"
#include "tests/support/fake_mco.h"

namespace nodedevice::testing {

// FakeMco at work on an API server, a real one or FakeApiServer. Whatever changes there is a hint
// only: it lists everything, decides, writes, and again until nothing is left to write. When the
// server is away it tries again each second.
//
// Loop thread only. The client must outlive the worker, both the operator.
class FakeMcoOperator {
 public:
  // What bringing a node to another configuration takes beside time, such as a reboot that a test
  // plays. `done` is to be called once, on the loop; with a text when it has failed, which degrades
  // the node.
  using Hook =
      std::function<void(const mco::NodeUpdate& update, std::function<void(std::string)> done)>;

  // `options.updates_are_finished_by_others` is as the hook, which may be empty, says.
  FakeMcoOperator(EventLoop& loop, Worker& worker, ApiClient& client, FakeMco::Options options,
                  Hook hook, std::uint32_t seed);
  ~FakeMcoOperator();
  FakeMcoOperator(const FakeMcoOperator&) = delete;
  FakeMcoOperator& operator=(const FakeMcoOperator&) = delete;

  void Start();

 private:
  void Look();
  void Decide(const absl::StatusOr<mco::Cluster>& cluster);
  void Done(const absl::Status& status);
  void Begin(const mco::NodeUpdate& update);

  EventLoop& loop_;
  Worker& worker_;
  ApiClient& client_;
  const std::chrono::seconds wall_behind_;
  const Hook hook_;
  FakeMco mco_;
  std::vector<std::unique_ptr<Watcher>> watchers_;
  Timer timer_;
  bool busy_ = false;                                                 // a look is on its way
  bool hinted_ = false;                                               // meanwhile something changed
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // loop thread only
};

}  // namespace nodedevice::testing
