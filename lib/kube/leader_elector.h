#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "lib/base/event_loop.h"
#include "lib/base/worker.h"
#include "lib/kube/api_client.h"
#include "lib/kube/lease_election.h"

namespace nodedevice {

// The shell around a LeaseElection: looks at the lease and writes it on a worker, and calls back on
// the loop.
//
// The worker should be its own: a job that blocks it delays renewals, and costs the lead when it
// takes too long. A loop that stands still tells nobody that the lead is over: what must not happen
// twice in a cluster asks leads() right before.
//
// Loop thread only. The client must outlive the worker, both the elector. A callback must not
// destroy it.
class LeaderElector {
 public:
  struct Callbacks {
    std::function<void()> on_lead;
    // Comes at most once, after on_lead: end the process with an error, at once and without
    // Release().
    std::function<void(const absl::Status& why)> on_lost;
    // The problem() of the election is another one than before; OK: there is none.
    std::function<void(const absl::Status&)> on_problem;
  };

  LeaderElector(EventLoop& loop, Worker& worker, ApiClient& client,
                LeaseElection::Candidate candidate, const LeaseTimes& times, Callbacks callbacks,
                std::uint32_t seed);
  ~LeaderElector();
  LeaderElector(const LeaderElector&) = delete;
  LeaderElector& operator=(const LeaderElector&) = delete;

  void Start();

  // Gives the lease back if it is ours, so that the next leader need not wait, and calls `done`
  // once, within LeaseElection::kReleaseWithin. To be called once, when nothing is done as a leader
  // any more. Neither on_lead nor on_lost comes after it.
  void Release(std::function<void()> done);

  bool leads() const { return election_.Leads(Clock::now()); }
  // Who had the lease at the last look; empty: nobody, or it is not known. Untrusted.
  const std::string& holder() const { return election_.holder(); }

 private:
  void Handle(const LeaseElection::Event& event);
  void Perform(const std::vector<LeaseElection::Action>& actions);
  void Do(const LeaseElection::Look& action);
  void Do(const LeaseElection::Create& action);
  void Do(const LeaseElection::Replace& action);
  void Do(const LeaseElection::Lead& action);
  void Do(const LeaseElection::Lose& action);
  void Do(const LeaseElection::Released& action);
  // Asks on the worker and handles what the answer makes of it.
  void Ask(std::function<LeaseElection::Event(ApiClient&)> ask);

  EventLoop& loop_;
  Worker& worker_;
  ApiClient& client_;
  const std::string collection_;  // "/apis/coordination.k8s.io/v1/namespaces/ns/leases"
  const std::string path_;        // of the lease
  const Callbacks callbacks_;
  LeaseElection election_;
  Timer deadline_;
  absl::Status problem_;
  std::function<void()> released_;
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // loop thread only
};

}  // namespace nodedevice
