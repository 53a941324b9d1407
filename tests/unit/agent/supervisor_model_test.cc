// Random sequences of events against what must hold whatever happens. A small world stands in for
// the launcher: it knows which processes live, and everything the Supervisor does is checked
// against it.

#include <map>
#include <random>
#include <set>

#include "tests/unit/agent/supervisor_fixture.h"

namespace nodedevice::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class World {
 public:
  explicit World(unsigned seed) : random_(seed) {}

  void Play(int steps) {
    for (int i = 0; i < steps && !::testing::Test::HasFailure(); ++i) Step();
    Settle();
  }

 private:
  int Below(int limit) { return std::uniform_int_distribution<int>(0, limit - 1)(random_); }

  void Step() {
    now_ += milliseconds(Below(3000));
    switch (Below(10)) {
      case 0:
        return Handle(KubeletChanged{static_cast<Transition>(Below(3))});
      case 1:
        return Handle(DesiredChanged{RandomWishes()});
      case 2:
        return AnswerAStart();
      case 3:
        return Report();
      case 4:
        return EndAProcess();
      case 5:
        return KubeletSpeaks();
      case 6:
        return AnswerALook();
      case 7:
      case 8:
        if (const auto next = supervisor_.NextDeadline(); next && *next > now_) now_ = *next;
        return Handle(DeadlinePassed{});
      default:
        if (Below(40) == 0) {
          stop_requested_ = true;
          Handle(StopRequested{});
        }
    }
  }

  std::vector<PluginSpec> RandomWishes() {
    // Three names over three resources, so that renames and swaps occur.
    std::vector<std::string> resources = {"a/x", "a/y", "a/z"};
    std::shuffle(resources.begin(), resources.end(), random_);
    std::vector<PluginSpec> specs;
    for (int i = 0; i < 3; ++i) {
      if (Below(3) == 0) continue;
      PluginSpec spec = OwnSpec(std::string(1, static_cast<char>('p' + i)), resources[i]);
      if (Below(3) == 0) spec.discovery = Exec{.command = {"/x"}};
      spec.text = std::to_string(Below(2));
      specs.push_back(spec);
    }
    return specs;
  }

  void AnswerAStart() {
    if (unanswered_.empty()) return;
    const std::string plugin = *unanswered_.begin();
    unanswered_.erase(plugin);
    if (Below(4) == 0) {
      holders_.erase(plugin);
      return Handle(SpawnFailed{plugin, "cannot start"});
    }
    alive_[plugin] = ++last_pid_;
    Handle(Spawned{plugin, last_pid_});
  }

  void Report() {
    if (alive_.empty()) return;
    const auto phase = Below(2) ? RegistrationPhase::kStreaming : RegistrationPhase::kWaiting;
    Handle(Reported{alive_.begin()->first,
                    alive_.begin()->second - (Below(5) == 0 ? 1 : 0),
                    {{ResourceIn(phase, "a/x")}}});
  }

  void KubeletSpeaks() {
    KubeletReport report;
    if (Below(4) == 0) report.error = "kubelet.sock: Connection refused";
    for (const char* resource : {"a/x", "a/y", "a/z"}) {
      report.resources[resource].accepted = static_cast<std::uint64_t>(Below(2));
    }
    Handle(KubeletSaid{report});
  }

  void AnswerALook() {
    if (looks_.empty()) return;
    const LookAtSockets look = looks_.back();
    looks_.pop_back();
    Handle(SocketsSeen{.plugin = look.plugin, .pid = look.pid, .lost = Below(2) == 0});
  }

  void EndAProcess() {
    if (alive_.empty()) return;
    const auto [plugin, pid] = *std::next(alive_.begin(), Below(static_cast<int>(alive_.size())));
    alive_.erase(plugin);
    told_to_stop_.erase(plugin);
    holders_.erase(plugin);
    Handle(ChildExited{plugin, {.pid = pid, .signaled = Below(2) == 0, .number = 9}});
  }

  void Handle(const Event& event) {
    for (const Action& action : supervisor_.Handle(event, now_)) {
      ASSERT_FALSE(all_stopped_) << "AllStopped is the last action, then came " << Words(action);
      Check(action);
    }
  }

  void Check(const Action& action) {
    if (const Start* start = std::get_if<Start>(&action)) {
      const std::string& plugin = start->spec.name;
      EXPECT_FALSE(stop_requested_) << "no start after a stop";
      EXPECT_FALSE(alive_.contains(plugin)) << "two live processes of " << plugin;
      EXPECT_TRUE(unanswered_.insert(plugin).second) << "started twice without an answer";
      for (const auto& [other, resource] : holders_) {
        EXPECT_NE(resource, start->spec.resource_name) << other << " still has it";
      }
      holders_[plugin] = start->spec.resource_name;
    } else if (const Terminate* stop = std::get_if<Terminate>(&action)) {
      EXPECT_TRUE(alive_.contains(stop->plugin)) << "nobody to terminate";
      EXPECT_TRUE(told_to_stop_.insert(stop->plugin).second) << "terminated twice";
    } else if (const Kill* kill = std::get_if<Kill>(&action)) {
      EXPECT_TRUE(alive_.contains(kill->plugin)) << "nobody to kill";
    } else if (const LookAtSockets* look = std::get_if<LookAtSockets>(&action)) {
      const auto process = alive_.find(look->plugin);
      EXPECT_TRUE(process != alive_.end() && process->second == look->pid) << "nobody to look at";
      looks_.push_back(*look);
    } else {
      EXPECT_TRUE(stop_requested_);
      EXPECT_TRUE(alive_.empty() && unanswered_.empty()) << "AllStopped with processes left";
      all_stopped_ = true;
    }
  }

  // However it came here, a stop ends everything.
  void Settle() {
    stop_requested_ = true;
    Handle(StopRequested{});
    for (int i = 0; i < 1000 && !all_stopped_; ++i) {
      AnswerAStart();
      EndAProcess();
    }
    EXPECT_TRUE(all_stopped_);
    EXPECT_TRUE(supervisor_.snapshot().plugins.empty());
    EXPECT_EQ(supervisor_.NextDeadline(), std::nullopt);
  }

  std::mt19937 random_;
  Supervisor supervisor_;
  TimePoint now_ = TimePoint() + seconds(1);
  int last_pid_ = 100;
  std::set<std::string> unanswered_;            // Start without Spawned or SpawnFailed
  std::map<std::string, int> alive_;            // pid
  std::set<std::string> told_to_stop_;          // processes that got Terminate
  std::map<std::string, std::string> holders_;  // plugin -> resource of its process
  std::vector<LookAtSockets> looks_;            // without an answer
  bool stop_requested_ = false;
  bool all_stopped_ = false;
};

class SupervisorModelTest : public ::testing::TestWithParam<unsigned> {};

TEST_P(SupervisorModelTest, HoldsItsInvariants) {
  for (unsigned i = 0; i < 50; ++i) {
    const unsigned seed = GetParam() * 50 + i;
    SCOPED_TRACE(seed);
    World(seed).Play(400);
    if (HasFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, SupervisorModelTest, ::testing::Range(0u, 8u));

}  // namespace
}  // namespace nodedevice::testing
