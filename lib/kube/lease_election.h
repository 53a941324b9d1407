#pragma once

#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <variant>
#include <vector>

#include "lib/base/clock.h"
#include "lib/base/status.h"
#include "lib/kube/lease_record.h"
#include "lib/kube/lease_times.h"
#include "nlohmann/json.hpp"

namespace nodedevice {

// One candidate of an election by a Lease (contracts/openshift.md 2.5): decides when to look at the
// lease, when to take, renew and give it back, and when to lead. Pure: whoever owns it performs the
// actions in order and tells it what comes of them.
//
//   Look -> nobody has it        -> Create or Replace -> Lead
//           it is ours           -> Replace (a renewal), every retry() and up to a fifth more
//           somebody else has it -> look again so; take it when its record has not changed, as seen
//                                   from here, for longer than its duration and our own
//   Stop -> Look -> it is ours   -> Replace (given back: the next may have it at once) -> Released
//
// At no instant two lead. A leader counts from when it *sent* its last renewal that succeeded, for
// renew(); the others count from when they *saw* the record change, for lease(), which is longer;
// and the server refuses a write to a lease that was changed after it was looked at. A change is
// another resourceVersion, which never comes back: what is written there may, from a clock that
// stands or was set. Times that somebody else wrote are never compared with a clock.
//
// What others may put into the lease changes that only in one way: a record that makes no sense, or
// is gone or has no holder though it had one and was not given back, is waited for like a leader's,
// since its leader may not know yet. (One that knows of no leader and finds nothing at all takes it
// for a first start: do not delete the lease of a leader that runs.) A leader that finds that the
// lease is not its own stops leading at once.
//
// A leader that has lost the lease must end its process: there is no way back to standing by.
class LeaseElection {
 public:
  struct Candidate {
    std::string name_space;  // of the lease
    std::string name;        // of the lease
    std::string identity;    // of this process and no other, ever: "<host>_<uuid>"; not empty
  };

  // What happens.
  struct Looked {
    absl::StatusOr<nlohmann::json> lease;  // kNotFound: there is none
  };
  struct Written {  // the answer to Create and Replace
    absl::Status status;
  };
  struct DeadlinePassed {};
  struct StopRequested {};  // nothing is done as a leader any more
  using Event = std::variant<Looked, Written, DeadlinePassed, StopRequested>;

  // What to do. Each of the first three gets one answer, before which there is no other.
  struct Look {
    bool operator==(const Look&) const = default;
  };
  struct Create {
    nlohmann::json lease;
    bool operator==(const Create&) const = default;
  };
  struct Replace {  // with the resourceVersion that is in it
    nlohmann::json lease;
    bool operator==(const Replace&) const = default;
  };
  struct Lead {
    bool operator==(const Lead&) const = default;
  };
  struct Lose {  // after Lead: end the process. The last action but for Released
    absl::Status why;
    bool operator==(const Lose&) const = default;
  };
  // After StopRequested: the lease is given back, was not ours, or could not be given back in
  // kReleaseWithin; then the others wait as if this process had crashed.
  struct Released {
    bool operator==(const Released&) const = default;
  };
  using Action = std::variant<Look, Create, Replace, Lead, Lose, Released>;

  static constexpr Duration kReleaseWithin = std::chrono::seconds(10);

  // `seed`: of the random part of pauses.
  LeaseElection(Candidate candidate, const LeaseTimes& times, std::uint32_t seed)
      : candidate_(std::move(candidate)), times_(times), random_(seed), wait_(times.lease()) {}

  std::vector<Action> Start(TimePoint now);
  // `wall` is only written into the lease.
  std::vector<Action> Handle(const Event& event, TimePoint now, WallTime wall);

  // When DeadlinePassed is due.
  std::optional<TimePoint> NextDeadline() const;

  // True from Lead on until it stops, loses, or has not renewed in time: false then though nobody
  // has told it yet.
  bool Leads(TimePoint now) const;
  // Who had the lease at the last look; empty: nobody, or it is not known. Untrusted.
  const std::string& holder() const { return holder_; }
  // Why the last look or write failed; OK when it did not, or was only too late.
  const absl::Status& problem() const { return problem_; }

 private:
  enum class Phase { kStandingBy, kLeading, kReleasing, kEnded };
  enum class Asked { kNothing, kLook, kWrite };

  void On(const Looked& event, TimePoint now, WallTime wall);
  void On(const Written& event, TimePoint now, WallTime wall);
  void On(const DeadlinePassed& event, TimePoint now, WallTime wall);
  void On(const StopRequested& event, TimePoint now, WallTime wall);

  void LookNow();
  void LookLater(const absl::Status& problem, TimePoint now);
  void Write(Action write, TimePoint now);
  // The look has failed: nothing is known but that.
  void Unknown(const absl::Status& why, TimePoint now);
  // Learns from a record when the lease can be taken.
  void Observe(const std::string& version, const LeaseRecord& record, TimePoint now);
  bool MayTake(const LeaseRecord& record, TimePoint now) const;
  void LoseWhenOverdue(TimePoint now);
  void Lost(absl::Status why);
  void End();

  bool IsOurs(const LeaseRecord& record) const;
  absl::Status TakenAway(const LeaseRecord& record) const;
  std::string LeaseName() const;

  Candidate candidate_;
  LeaseTimes times_;
  std::minstd_rand random_;
  std::vector<Action> actions_;  // of the event that is handled
  Phase phase_ = Phase::kStandingBy;
  Asked asked_ = Asked::kNothing;
  std::optional<TimePoint> look_at_;
  TimePoint sent_;         // the last write
  TimePoint renewed_;      // leading: when the last write that succeeded was sent
  TimePoint release_by_;   // releasing
  bool may_hold_ = false;  // since a write of ours no look has shown that it is not ours
  bool taking_ = false;    // standing by: the same
  bool giving_back_ = false;

  std::optional<std::string> seen_;  // the lease's last resourceVersion; empty: there was none
  TimePoint changed_;                // when it was first seen so
  Duration wait_;                    // from then on, until it can be taken
  bool somebody_leads_ = false;      // for all we know; not we
  std::string holder_;
  absl::Status problem_;
};

}  // namespace nodedevice
