#include <algorithm>
#include <csignal>
#include <functional>

#include "absl/strings/str_cat.h"
#include "devicemanager/conformance/rule_sets.h"
#include "devicemanager/conformance/words.h"

namespace nodedevice::devicemanager::conformance {
namespace {

constexpr int kTermExit = 128 + SIGTERM;  // as a shell and a container runtime say it

// Less than this many registrations tell nothing of growth.
constexpr int kEnoughForCounts = 20;
constexpr int kEnoughForMemory = 100;
// Growth that is forgiven: a pool that fills up, an allocator that keeps what it had.
constexpr int kCountsForgiven = 12;
constexpr int kKibForgiven = 16 * 1024;
constexpr int kKibEach = 8;

Judgement Survives(const Observation& seen) {
  Complaints complaints;
  for (const Death& death : seen.deaths) {
    if (death.impossible_request) continue;  // preferred/impossible tells of it
    complaints.Add(absl::StrCat("the plugin ", ToString(death.exit), " during ", death.doing));
  }
  if (complaints.empty() && seen.registrations.empty() && seen.discoveries.empty()) {
    return NotApplicable("it never registered");
  }
  return complaints.OrElse("it ended only when told to");
}

Judgement Grows(const Observation& seen, int Usage::*what, const std::string& noun, int enough,
                const std::function<int(int)>& allowed) {
  if (!seen.growth) return NotApplicable("not played");
  const Growth& growth = *seen.growth;
  const std::string figures =
      absl::StrCat(growth.before.*what, " -> ", growth.after.*what, " ", noun, " over ",
                   Count(static_cast<std::size_t>(growth.registrations), "registration"), " in ",
                   Took(growth.took));
  if (growth.process_changed) {
    return NotApplicable("its process does not outlive a restart of the kubelet");
  }
  if (growth.registrations < enough) {
    return NotApplicable(absl::StrCat("too few to tell: ", figures));
  }
  return growth.after.*what - growth.before.*what > allowed(growth.registrations) ? Fail(figures)
                                                                                  : Pass(figures);
}

// One for every four registrations is a leak at whatever number.
int AllowedCounts(int registrations) { return std::max(kCountsForgiven, registrations / 4); }

Judgement Descriptors(const Observation& seen) {
  return Grows(seen, &Usage::descriptors, "descriptors", kEnoughForCounts, AllowedCounts);
}
Judgement Threads(const Observation& seen) {
  return Grows(seen, &Usage::threads, "threads", kEnoughForCounts, AllowedCounts);
}
Judgement Memory(const Observation& seen) {
  return Grows(seen, &Usage::private_kib, "KiB", kEnoughForMemory,
               [](int registrations) { return std::max(kKibForgiven, registrations * kKibEach); });
}

Judgement StillRegisters(const Observation& seen) {
  if (!seen.growth) return NotApplicable("not played");
  const std::string figures =
      absl::StrCat(Count(static_cast<std::size_t>(seen.growth->registrations), "registration"),
                   " in ", Took(seen.growth->took));
  return seen.growth->gave_up ? Fail(absl::StrCat("no more after ", figures)) : Pass(figures);
}

Judgement EndsInTime(const Observation& seen) {
  if (!seen.stop) return NotApplicable("not played");
  const Stop& stop = *seen.stop;
  if (!stop.ended_after) {
    return Fail(absl::StrCat("still running ", Took(stop.grace), " after SIGTERM"));
  }
  return Pass(absl::StrCat("ended ", Took(*stop.ended_after), " after SIGTERM"));
}

Judgement NotEnded() { return NotApplicable("it did not end by itself"); }

Judgement ExitStatus(const Observation& seen) {
  if (!seen.stop) return NotApplicable("not played");
  if (!seen.stop->ended_after) return NotEnded();
  const ChildExit& exit = seen.stop->exit;
  const bool as_asked =
      exit.signaled ? exit.number == SIGTERM : exit.number == 0 || exit.number == kTermExit;
  return as_asked ? Pass(ToString(exit)) : Fail(ToString(exit));
}

Judgement RemovesSocket(const Observation& seen) {
  if (!seen.stop) return NotApplicable("not played");
  if (!seen.stop->ended_after) return NotEnded();
  if (seen.stop->sockets_left.empty()) return Pass("no socket is left");
  return Fail(absl::StrCat("left: ", Ids(seen.stop->sockets_left)));
}

Judgement EndsStreams(const Observation& seen) {
  if (!seen.stop) return NotApplicable("not played");
  if (!seen.stop->ended_after) return NotEnded();
  if (!seen.stop->streams_ended) return Fail("a stream is still open after the process ended");
  return Pass(seen.stop->listed_nothing_last
                  ? "it listed nothing first: the node's capacity is gone at once"
                  : "the kubelet keeps the node's capacity for 5 minutes");
}

Judgement LeavesNothing(const Observation& seen) {
  if (!seen.stop) return NotApplicable("not played");
  if (!seen.stop->ended_after) return NotEnded();
  if (seen.stop->processes_left == 0) return Pass("no process is left");
  return Fail(Count(static_cast<std::size_t>(seen.stop->processes_left), "process") +
              " of its group still running");
}

}  // namespace

std::vector<Rule> ProcessRules() {
  return {
      {"process/survives", Severity::kMust,
       "When a plugin ends, a kubelet shows nothing of its resource allocatable and rejects pods "
       "until it registers again.",
       Survives},
      {"growth/still-registers", Severity::kShould,
       "A plugin lives as long as its node, through every restart of the kubelet.", StillRegisters},
      {"growth/descriptors", Severity::kShould,
       "A plugin that leaves a descriptor open at each registration ends at its limit.",
       Descriptors},
      {"growth/threads", Severity::kShould,
       "A plugin that leaves a thread behind at each registration ends at its limit.", Threads},
      {"growth/memory", Severity::kShould,
       "A plugin that leaves memory behind at each registration ends at its limit.", Memory},
      {"stop/ends-in-time", Severity::kShould,
       "A pod that ignores SIGTERM is killed after its grace period, and an update of the "
       "DaemonSet "
       "waits for that on each node.",
       EndsInTime},
      {"stop/exit-status", Severity::kShould,
       "A container that was told to stop and ends otherwise than with 0 or by SIGTERM counts as "
       "failed.",
       ExitStatus},
      {"stop/removes-socket", Severity::kShould,
       "A kubelet removes sockets only when it starts: what plugins leave behind piles up.",
       RemovesSocket},
      {"stop/ends-streams", Severity::kMust,
       "A kubelet hands out devices of a plugin as long as its ListAndWatch stream is open.",
       EndsStreams},
      {"stop/leaves-no-process", Severity::kShould,
       "What a plugin started goes on, outside of a container, when the plugin has ended.",
       LeavesNothing},
  };
}

}  // namespace nodedevice::devicemanager::conformance
