// Several candidates and one API server in a simulated world where requests are slow, lost or late,
// processes stall, crash and come back, clocks begin anywhere and somebody edits the lease: at no
// instant two lead, and when the world is calm again somebody does.

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <memory>
#include <random>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "lib/kube/api_error.h"
#include "lib/kube/lease_election.h"

namespace nodedevice::testing {
namespace {

using Json = nlohmann::json;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

// What else happens but failures.
enum class Mischief {
  kNone,      // the candidates have different times
  kEdits,     // the record is made nonsense of
  kDeletion,  // the lease is deleted or emptied under those who know of its leader
};

class World {
 public:
  World(unsigned seed, Mischief mischief) : random_(seed), mischief_(mischief) {
    for (Process& process : processes_) Boot(process);
  }

  void Play(Duration time) {
    const Duration end = now_ + time;
    Plot();
    Run(end);
  }

  // No more failures: somebody must lead in the end.
  void CalmDown() {
    calm_ = true;
    for (Process& process : processes_) {
      process.cut_off = false;
      process.stalled_until = now_;
    }
    // What makes no sense is waited for up to an hour; what was sent before may still come.
    Run(now_ + LeaseTimes::kLongest + minutes(30));
    EXPECT_EQ(Leaders(), 1) << "nobody leads";
    const int changes = leads_;
    Run(now_ + hours(1));
    EXPECT_EQ(Leaders(), 1);
    EXPECT_EQ(leads_, changes) << "it does not change without a cause";
  }

  int leads() const { return leads_; }
  int losses() const { return losses_; }

 private:
  struct Process {
    std::unique_ptr<LeaseElection> election;  // nullptr: it does not run
    int life = 0;                             // which one this is
    int request = 0;                          // the last one
    int timer = 0;                            // the last setting
    bool cut_off = false;                     // from the server
    Duration stalled_until = {};
    TimePoint clock_begin = {};  // what its clock said at the world's
    WallTime wall_begin = {};
  };

  // ---- time ------------------------------------------------------------------------------------

  void At(Duration when, std::function<void()> happen) {
    events_.emplace(std::max(when, now_), std::move(happen));
  }
  void Run(Duration end) {
    while (!events_.empty() && events_.begin()->first <= end &&
           !::testing::Test::HasFatalFailure()) {
      const auto next = events_.begin();
      now_ = next->first;
      const std::function<void()> happen = std::move(next->second);
      events_.erase(next);
      happen();
      ASSERT_LE(Leaders(), 1) << "at " << now_.count() << " ns";
    }
    now_ = end;
  }
  TimePoint ClockOf(const Process& process) const { return process.clock_begin + now_; }
  int Leaders() const {
    int leaders = 0;
    for (const Process& process : processes_) {
      if (process.election && process.election->Leads(ClockOf(process))) ++leaders;
    }
    return leaders;
  }

  // ---- processes -------------------------------------------------------------------------------

  void Boot(Process& process) {
    process.life = ++lives_;
    process.stalled_until = now_;
    process.clock_begin = TimePoint(seconds(Below(100'000'000)));
    // Clocks on the wall that differ by days, or stand at the same second for ever.
    process.wall_begin = WallTime(seconds(1'700'000'000 + Below(1'000'000)));
    process.election = std::make_unique<LeaseElection>(
        LeaseElection::Candidate{"ns", "controller", absl::StrCat("host_", process.life)}, Times(),
        random_());
    Perform(process, process.election->Start(ClockOf(process)));
  }
  LeaseTimes Times() {
    if (mischief_ != Mischief::kNone) return {};
    switch (Below(3)) {
      case 0:
        return {};
      case 1:
        return LeaseTimes::OfSingleNode();
      default:
        return *LeaseTimes::Of(seconds(15), seconds(10), seconds(2));
    }
  }
  void End(Process& process) {
    process.election.reset();
    BootLater(process);
  }
  void BootLater(Process& process) {
    At(now_ + seconds(Below(120)), [this, &process] {
      if (process.election) return;
      // One that starts now would take a lease that is gone for a first start.
      if (mischief_ == Mischief::kDeletion && now_ - deleted_ < minutes(5)) {
        return BootLater(process);
      }
      Boot(process);
    });
  }

  // Happens to this life of the process, as soon as it does not stall.
  void Tell(Process& process, Duration when, LeaseElection::Event event,
            std::function<bool()> valid) {
    At(when, [this, &process, life = process.life, event = std::move(event),
              valid = std::move(valid)]() mutable {
      if (process.life != life || !process.election) return;
      if (process.stalled_until > now_) {
        return Tell(process, process.stalled_until, std::move(event), std::move(valid));
      }
      if (valid()) Handle(process, event);
    });
  }
  void Handle(Process& process, const LeaseElection::Event& event) {
    const WallTime wall = process.wall_begin + (process.life % 2 == 0 ? seconds(0) : WallPassed());
    Perform(process, process.election->Handle(event, ClockOf(process), wall));
  }
  seconds WallPassed() const { return std::chrono::duration_cast<seconds>(now_); }

  void Perform(Process& process, const std::vector<LeaseElection::Action>& actions) {
    for (const LeaseElection::Action& action : actions) {
      if (std::holds_alternative<LeaseElection::Lead>(action)) {
        ++leads_;
      } else if (std::holds_alternative<LeaseElection::Lose>(action)) {
        ++losses_;
        return End(process);
      } else if (std::holds_alternative<LeaseElection::Released>(action)) {
        return End(process);
      } else {
        Send(process, action);
      }
    }
    if (const std::optional<TimePoint> next = process.election->NextDeadline()) {
      const Duration lag = milliseconds(Below(20));
      Tell(process, *next - process.clock_begin + lag, LeaseElection::DeadlinePassed{},
           [&process, setting = ++process.timer] { return process.timer == setting; });
    }
  }

  // ---- requests --------------------------------------------------------------------------------

  Duration Delay() {
    if (calm_ || Below(10) > 0) return milliseconds(Below(300));
    return milliseconds(Below(Below(4) == 0 ? 400'000 : 20'000));
  }
  // Answered once: by the server, or by the client that has waited long enough. Either way the
  // request may arrive, and late.
  void Send(Process& process, const LeaseElection::Action& action) {
    const bool is_look = std::holds_alternative<LeaseElection::Look>(action);
    const auto awaited = [&process, number = ++process.request] {
      return process.request == number;
    };
    const auto answer = [this, &process, is_look, awaited](Duration when,
                                                           absl::StatusOr<Json> result) {
      LeaseElection::Event event = LeaseElection::Written{result.status()};
      if (is_look) event = LeaseElection::Looked{std::move(result)};
      Tell(process, when, std::move(event), [&process, awaited] {
        if (!awaited()) return false;
        ++process.request;
        return true;
      });
    };
    // Whoever stalls now takes an old answer for a new one, if it does not take care.
    if (!calm_ && Below(15) == 0) {
      process.stalled_until = now_ + seconds(30 + Below(90));
      At(process.stalled_until, [&process, this] { process.cut_off = !calm_; });
    }
    answer(now_ + seconds(30), absl::DeadlineExceededError("no answer in time"));
    const bool lost = process.cut_off || (!calm_ && Below(12) == 0);
    if (lost) return;
    const bool answer_lost = !calm_ && Below(12) == 0;
    At(now_ + Delay(), [this, &process, life = process.life, action, answer, answer_lost] {
      const absl::StatusOr<Json> result = Serve(action);
      if (process.life == life && !answer_lost && !process.cut_off) answer(now_ + Delay(), result);
    });
  }

  // ---- the server ------------------------------------------------------------------------------

  absl::StatusOr<Json> Serve(const LeaseElection::Action& action) {
    if (!calm_ && Below(15) == 0) return ErrorOfAnswer("lease", 500, "");
    if (const auto* create = std::get_if<LeaseElection::Create>(&action)) {
      if (lease_) {
        return ErrorOfAnswer("lease", 409, R"({"kind":"Status","reason":"AlreadyExists"})");
      }
      Store(create->lease);
    } else if (const auto* replace = std::get_if<LeaseElection::Replace>(&action)) {
      if (!lease_) return ErrorOfAnswer("lease", 404, "");
      if ((*lease_)["metadata"]["resourceVersion"] !=
          replace->lease["metadata"]["resourceVersion"]) {
        return ErrorOfAnswer("lease", 409, R"({"kind":"Status","reason":"Conflict"})");
      }
      Store(replace->lease);
    }
    if (!lease_) return ErrorOfAnswer("lease", 404, "");
    return *lease_;
  }
  // What does not differ gets no other version.
  void Store(Json lease) {
    if (lease_ == lease) return;
    lease["metadata"]["resourceVersion"] = std::to_string(++version_);
    lease_ = std::move(lease);
  }

  // ---- what goes wrong -------------------------------------------------------------------------

  void Plot() {
    At(now_ + seconds(1 + Below(60)), [this] {
      if (calm_) return;
      Process& process = processes_[Below(kProcesses)];
      switch (Below(8)) {
        case 0:
        case 1:
        case 2:
          process.cut_off = !process.cut_off;
          break;
        case 3:
          process.stalled_until = now_ + seconds(Below(300));
          break;
        case 4:
          if (process.election) End(process);
          break;
        case 5:
          if (process.election) Handle(process, LeaseElection::StopRequested{});
          break;
        default:
          Meddle();
      }
      Plot();
    });
  }
  bool EverybodyKnowsALeader() const {
    return std::all_of(processes_.begin(), processes_.end(), [](const Process& process) {
      return !process.election || !process.election->holder().empty();
    });
  }
  void Meddle() {
    if (!lease_ || Below(2) == 0) return;
    Json lease = *lease_;
    if (mischief_ == Mischief::kEdits) {
      static const std::vector<Json> nonsense = {
          nullptr, -1, 0, 2, 3.5, 999'999'999'999, "", "x", "host_0", Json::array(), true};
      static const std::vector<const char*> fields = {
          "holderIdentity", "leaseDurationSeconds", "renewTime", "acquireTime", "leaseTransitions"};
      const Json& value = nonsense[Below(static_cast<int>(nonsense.size()))];
      // A leader that leads on has a record that is over in no time.
      if (Below(2) == 0 && lease["spec"].is_object()) lease["spec"]["leaseDurationSeconds"] = 2;
      // An empty object would be a lease that nobody has ever held.
      if (!lease["spec"].is_object() || Below(10) == 0) lease["spec"] = "x";
      if (lease["spec"].is_object()) lease["spec"][fields[Below(5)]] = value;
      Store(std::move(lease));
    } else if (mischief_ == Mischief::kDeletion) {
      if (!EverybodyKnowsALeader()) return;
      deleted_ = now_;
      if (Below(2) == 0) {
        lease_.reset();
      } else {
        lease["spec"] = Json::object();
        Store(std::move(lease));
      }
    } else {
      lease["metadata"]["labels"]["edit"] = std::to_string(version_);
      Store(std::move(lease));
    }
  }

  int Below(int limit) { return std::uniform_int_distribution<int>(0, limit - 1)(random_); }

  static constexpr int kProcesses = 4;
  std::mt19937 random_;
  const Mischief mischief_;
  Duration now_ = {};
  Duration deleted_ = -hours(1);
  bool calm_ = false;
  std::multimap<Duration, std::function<void()>> events_;
  std::array<Process, kProcesses> processes_;
  std::optional<Json> lease_;
  int version_ = 0;
  int lives_ = 0;
  int leads_ = 0;
  int losses_ = 0;
};

class LeaseElectionModelTest : public ::testing::TestWithParam<Mischief> {};

TEST_P(LeaseElectionModelTest, NoTwoLeadAndSomebodyDoesInTheEnd) {
  int leads = 0;
  int losses = 0;
  for (unsigned seed = 1; seed <= 10 && !HasFailure(); ++seed) {
    SCOPED_TRACE(seed);
    World world(seed, GetParam());
    world.Play(hours(4));
    world.CalmDown();
    leads += world.leads();
    losses += world.losses();
  }
  // The world was neither too kind nor too rough to say anything.
  EXPECT_GT(leads, 100);
  EXPECT_GT(losses, 50);
}

INSTANTIATE_TEST_SUITE_P(Worlds, LeaseElectionModelTest,
                         ::testing::Values(Mischief::kNone, Mischief::kEdits, Mischief::kDeletion));

}  // namespace
}  // namespace nodedevice::testing
