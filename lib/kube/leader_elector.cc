#include "lib/kube/leader_elector.h"

#include <utility>

namespace nodedevice {

LeaderElector::LeaderElector(EventLoop& loop, Worker& worker, ApiClient& client,
                             LeaseElection::Candidate candidate, const LeaseTimes& times,
                             Callbacks callbacks, std::uint32_t seed)
    : loop_(loop),
      worker_(worker),
      client_(client),
      collection_(absl::StrCat("/apis/coordination.k8s.io/v1/namespaces/", candidate.name_space,
                               "/leases")),
      path_(absl::StrCat(collection_, "/", candidate.name)),
      callbacks_(std::move(callbacks)),
      election_(std::move(candidate), times, seed),
      deadline_(loop, [this] { Handle(LeaseElection::DeadlinePassed{}); }) {}

LeaderElector::~LeaderElector() { *alive_ = false; }

void LeaderElector::Start() { Perform(election_.Start(Clock::now())); }

void LeaderElector::Release(std::function<void()> done) {
  released_ = std::move(done);
  Handle(LeaseElection::StopRequested{});
}

void LeaderElector::Handle(const LeaseElection::Event& event) {
  Perform(election_.Handle(event, Clock::now(), std::chrono::system_clock::now()));
}

void LeaderElector::Perform(const std::vector<LeaseElection::Action>& actions) {
  if (const std::optional<TimePoint> next = election_.NextDeadline()) {
    deadline_.At(*next);
  } else {
    deadline_.Cancel();
  }
  if (problem_ != election_.problem()) {
    problem_ = election_.problem();
    if (callbacks_.on_problem) callbacks_.on_problem(problem_);
  }
  for (const LeaseElection::Action& action : actions) {
    std::visit([this](const auto& what) { Do(what); }, action);
  }
}

void LeaderElector::Do(const LeaseElection::Look&) {
  Ask([path = path_](ApiClient& client) -> LeaseElection::Event {
    return LeaseElection::Looked{client.Get(path)};
  });
}

void LeaderElector::Do(const LeaseElection::Create& action) {
  Ask([path = collection_, lease = action.lease](ApiClient& client) -> LeaseElection::Event {
    return LeaseElection::Written{client.Post(path, lease).status()};
  });
}

void LeaderElector::Do(const LeaseElection::Replace& action) {
  Ask([path = path_, lease = action.lease](ApiClient& client) -> LeaseElection::Event {
    return LeaseElection::Written{client.Replace(path, lease).status()};
  });
}

void LeaderElector::Do(const LeaseElection::Lead&) {
  if (callbacks_.on_lead) callbacks_.on_lead();
}

void LeaderElector::Do(const LeaseElection::Lose& action) {
  // A Release() that finds the time to be over is answered by its own word.
  if (callbacks_.on_lost && !released_) callbacks_.on_lost(action.why);
}

void LeaderElector::Do(const LeaseElection::Released&) {
  if (const std::function<void()> done = std::exchange(released_, nullptr)) done();
}

void LeaderElector::Ask(std::function<LeaseElection::Event(ApiClient&)> ask) {
  worker_.Do([this, alive = alive_, &loop = loop_, &client = client_, ask = std::move(ask)] {
    loop.Post([this, alive, event = ask(client)] {
      if (*alive) Handle(event);
    });
  });
}

}  // namespace nodedevice
