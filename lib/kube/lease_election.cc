#include "lib/kube/lease_election.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_format.h"
#include "lib/base/utf8.h"
#include "lib/kube/object_fields.h"
#include "lib/kube/retry.h"

namespace nodedevice {
namespace {

using Json = nlohmann::json;

constexpr double kJitter = 0.2;
constexpr std::size_t kLongestName = 100;  // of a holder, in a message

double Seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

}  // namespace

std::vector<LeaseElection::Action> LeaseElection::Start(TimePoint) {
  if (phase_ == Phase::kStandingBy) LookNow();
  return std::exchange(actions_, {});
}

std::vector<LeaseElection::Action> LeaseElection::Handle(const Event& event, TimePoint now,
                                                         WallTime wall) {
  LoseWhenOverdue(now);
  std::visit([&](const auto& what) { On(what, now, wall); }, event);
  return std::exchange(actions_, {});
}

std::optional<TimePoint> LeaseElection::NextDeadline() const {
  std::optional<TimePoint> next = look_at_;
  const auto also = [&next](TimePoint when) { next = next ? std::min(*next, when) : when; };
  if (phase_ == Phase::kLeading) also(renewed_ + times_.renew());
  if (phase_ == Phase::kReleasing) also(release_by_);
  return next;
}

bool LeaseElection::Leads(TimePoint now) const {
  return phase_ == Phase::kLeading && now - renewed_ < times_.renew();
}

void LeaseElection::On(const Looked& event, TimePoint now, WallTime wall) {
  if (asked_ != Asked::kLook || phase_ == Phase::kEnded) return;
  asked_ = Asked::kNothing;
  const bool missing = absl::IsNotFound(event.lease.status());
  if (!missing && !event.lease.ok()) return Unknown(event.lease.status(), now);
  const Json lease = missing ? Json() : *event.lease;
  const std::string version = TextAt(lease, "/metadata/resourceVersion");
  if (!missing && version.empty()) {
    return Unknown(
        absl::DataLossError(absl::StrCat("the API server's answer is not the lease ", LeaseName())),
        now);
  }
  const LeaseRecord record = ReadLease(lease);
  const bool ours = IsOurs(record);
  Observe(version, record, now);
  if (!ours) may_hold_ = taking_ = false;
  const std::string& me = candidate_.identity;
  switch (phase_) {
    case Phase::kReleasing:
      if (!ours) return End();
      giving_back_ = true;
      return Write(Replace{ReleasedLease(lease, wall)}, now);
    case Phase::kLeading:
      if (!ours) return Lost(TakenAway(record));
      break;
    default:
      if (!MayTake(record, now)) return LookLater(absl::OkStatus(), now);
      taking_ = true;
  }
  if (ours) {
    Write(Replace{RenewedLease(lease, me, times_.lease(), wall)}, now);
  } else if (missing) {
    Write(Create{NewLease(candidate_.name_space, candidate_.name, me, times_.lease(), wall)}, now);
  } else {
    Write(Replace{TakenLease(lease, me, times_.lease(), wall)}, now);
  }
}

void LeaseElection::On(const Written& event, TimePoint now, WallTime) {
  if (asked_ != Asked::kWrite || phase_ == Phase::kEnded) return;
  asked_ = Asked::kNothing;
  if (phase_ == Phase::kReleasing) return giving_back_ ? End() : LookNow();
  const absl::Status& status = event.status;
  if (!status.ok()) {
    const bool too_late = absl::IsAborted(status) || absl::IsAlreadyExists(status);
    somebody_leads_ |= too_late;
    return LookLater(too_late ? absl::OkStatus() : status, now);
  }
  LookLater(absl::OkStatus(), now);
  // So old an answer says only that it was ours.
  if (now - sent_ >= times_.renew()) return;
  renewed_ = sent_;
  holder_ = candidate_.identity;
  if (std::exchange(phase_, Phase::kLeading) == Phase::kStandingBy) actions_.push_back(Lead{});
}

void LeaseElection::On(const DeadlinePassed&, TimePoint now, WallTime) {
  if (phase_ == Phase::kReleasing && now >= release_by_) return End();
  if (look_at_ && now >= *look_at_) LookNow();
}

void LeaseElection::On(const StopRequested&, TimePoint now, WallTime) {
  if (phase_ == Phase::kReleasing) return;
  if (phase_ == Phase::kEnded) return actions_.push_back(Released{});
  phase_ = Phase::kReleasing;
  look_at_.reset();
  release_by_ = now + kReleaseWithin;
  if (!may_hold_) return End();
  if (asked_ == Asked::kNothing) LookNow();
}

void LeaseElection::LookNow() {
  look_at_.reset();
  asked_ = Asked::kLook;
  actions_.push_back(Look{});
}

void LeaseElection::LookLater(const absl::Status& problem, TimePoint now) {
  problem_ = problem;
  const double random = std::uniform_real_distribution<double>(0, kJitter)(random_);
  // Whatever the server asks for, one look in the time of a lease it must bear.
  look_at_ = now + std::min<Duration>(RetryPause(problem, times_.retry(), random), times_.lease());
}

void LeaseElection::Write(Action write, TimePoint now) {
  asked_ = Asked::kWrite;
  sent_ = now;
  may_hold_ = true;
  actions_.push_back(std::move(write));
}

void LeaseElection::Unknown(const absl::Status& why, TimePoint now) {
  if (phase_ == Phase::kReleasing) return End();
  LookLater(why, now);
}

void LeaseElection::Observe(const std::string& version, const LeaseRecord& record, TimePoint now) {
  holder_ = record.holder;
  if (seen_ == version) return;
  seen_ = version;
  changed_ = now;
  const bool makes_sense = !record.holder.empty() && record.duration;
  const Duration wait = std::max(times_.lease(), record.duration.value_or(times_.lease()));
  // What makes no sense may have been written over a record that did, whose leader waits for less.
  wait_ = makes_sense ? wait : std::max(wait_, wait);
  switch (record.state) {
    case LeaseRecord::State::kHeld:
      somebody_leads_ |= !IsOurs(record);
      break;
    case LeaseRecord::State::kReleased:
      somebody_leads_ = false;
      wait_ = times_.lease();
      break;
    case LeaseRecord::State::kNeverHeld:
      break;
  }
}

bool LeaseElection::MayTake(const LeaseRecord& record, TimePoint now) const {
  // A write of ours that came late may have come after another leader.
  if (IsOurs(record) && taking_) return true;
  if (record.state != LeaseRecord::State::kHeld && !somebody_leads_) return true;
  return now - changed_ > wait_;
}

void LeaseElection::LoseWhenOverdue(TimePoint now) {
  if (phase_ != Phase::kLeading || Leads(now)) return;
  Lost(absl::DeadlineExceededError(absl::StrFormat(
      "the lease %s could not be renewed for %g s: %s", LeaseName(), Seconds(times_.renew()),
      problem_.ok() ? "the API server has not answered in time"
                    : std::string(problem_.message()))));
}

void LeaseElection::Lost(absl::Status why) {
  phase_ = Phase::kEnded;
  look_at_.reset();
  actions_.push_back(Lose{std::move(why)});
}

void LeaseElection::End() {
  phase_ = Phase::kEnded;
  actions_.push_back(Released{});
}

bool LeaseElection::IsOurs(const LeaseRecord& record) const {
  return record.holder == candidate_.identity;
}

absl::Status LeaseElection::TakenAway(const LeaseRecord& record) const {
  return absl::AbortedError(
      absl::StrCat("the lease ", LeaseName(), " was taken away: ",
                   record.holder.empty()
                       ? "somebody deleted or edited it, and it has no holder"
                       : absl::StrCat("its holder is now ", OneLine(record.holder, kLongestName))));
}

std::string LeaseElection::LeaseName() const {
  return absl::StrCat(candidate_.name_space, "/", candidate_.name);
}

}  // namespace nodedevice
