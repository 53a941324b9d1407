#pragma once

#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "agent/snapshot.h"
#include "lib/api/device_plugin_config.h"
#include "lib/api/kubelet_report.h"
#include "lib/api/plugin_report.h"
#include "lib/base/clock.h"
#include "lib/base/process.h"
#include "lib/kubelet/socket_tracker.h"

namespace nodedevice {

enum class StopMode {
  kRestart,   // it will be back: end the streams, let the kubelet keep the capacity
  kWithdraw,  // it will not: take the capacity away first
};

// ---- events: what happened ---------------------------------------------------------------------

struct DesiredChanged {
  std::vector<PluginSpec> plugins;  // all of them, with unique names and resources
};
struct KubeletChanged {
  Transition transition;
};
// The two answers to Start, one of which must come.
struct Spawned {
  std::string plugin;
  int pid;
};
struct SpawnFailed {
  std::string plugin;
  std::string error;
};
struct Reported {
  std::string plugin;
  int pid;
  PluginReport report;
};
struct ChildExited {
  std::string plugin;
  ChildExit exit;
};
// What the kubelet says about devices, or why it is not known.
struct KubeletSaid {
  KubeletReport report;
};
// The answer to LookAtSockets, which must come.
struct SocketsSeen {
  std::string plugin;
  int pid;
  bool lost;  // it listens in the kubelet's folder, and only on sockets that are not there any more
};
struct DeadlinePassed {};
// The agent ends. Once more: nobody waits for a plugin any longer.
struct StopRequested {
  StopMode mode = StopMode::kRestart;
};

using Event = std::variant<DesiredChanged, KubeletChanged, Spawned, SpawnFailed, Reported,
                           ChildExited, KubeletSaid, SocketsSeen, DeadlinePassed, StopRequested>;

// ---- actions: what to do -----------------------------------------------------------------------

struct Start {
  PluginSpec spec;
};
struct Terminate {
  std::string plugin;
  StopMode mode;
};
struct Kill {
  std::string plugin;
};
// Answer with SocketsSeen.
struct LookAtSockets {
  std::string plugin;
  int pid;
};
// Every plugin has ended after StopRequested. The last action.
struct AllStopped {};

using Action = std::variant<Start, Terminate, Kill, LookAtSockets, AllStopped>;

inline constexpr Duration kTimeToRegister = std::chrono::seconds(30);
// A foreign plugin that has not closed its removed socket by then does not know of the restart.
// Those made after Kubernetes' own sample take ten seconds.
inline constexpr Duration kTimeToNotice = std::chrono::seconds(15);
inline constexpr Duration kStopGrace = std::chrono::seconds(10);
inline constexpr Duration kStableAfter = std::chrono::seconds(60);

// Keeps one process for each plugin that is wanted: decides when to start, stop and kill, and
// counts what happens. Pure: touches no process and no clock, whoever owns it performs the actions
// in order and feeds back what comes of them. Events about processes that are gone are ignored.
//
//   Held        waits for the Device Manager, and for the end of another process of its resource
//   Starting    has 30 s to register while there is a Device Manager to register with, unless its
//               entry holds it back
//   Running     60 s without incident forgive earlier failures
//   Stopping    has 10 s to end before it is killed
//   BackingOff  ended by itself; comes back at once after the first failure, then after 1, 2, 4 ...
//               60 s
//
// A Device Manager that goes away stops nobody: plugins heal themselves. When it is back or was
// replaced, each must register anew or be restarted. It never gives up.
//
// Figures of devices that a plugin reports are dropped when no newer ones have come for the time
// that it gives them.
//
// A foreign (exec) plugin reports nothing. It is Running when it was started, and what becomes of
// its resource is the kubelet's word, if that can be had. After a restart of the kubelet, one of
// which the kubelet had accepted devices is Starting again while the kubelet accepts none; one that
// still listens on a socket that the kubelet has removed is restarted without waiting for that. One
// that never had a device accepted is left alone: this node may have none. See
// supervisor_foreign.cc.
class Supervisor {
 public:
  std::vector<Action> Handle(const Event& event, TimePoint now);

  // When DeadlinePassed is due; nullopt: not before something else happens.
  std::optional<TimePoint> NextDeadline() const;

  // Everything it knows; the rest of the snapshot is left to its owner.
  Snapshot snapshot() const;

 private:
  enum class Process { kNone, kSpawning, kAlive };

  struct Row {
    std::optional<PluginSpec> desired;  // nullopt: left the configuration, still stopping
    PluginSpec actual;                  // what the process was started with
    Process process = Process::kNone;
    int pid = 0;
    PluginPhase phase = PluginPhase::kHeld;
    TimePoint since;
    std::optional<TimePoint> deadline;
    bool was_registered = false;  // this process; exec: the kubelet has accepted a device of it
    bool must_register = false;   // exec: once more, since the kubelet was restarted
    std::optional<TimePoint> look_at_sockets;  // exec: when
    StopMode stop_mode = StopMode::kRestart;
    bool kill_when_spawned = false;
    std::string stop_cause;  // an unplanned stop: why, for last_exit
    int failures = 0;
    RestartCounts restarts = {};
    std::string last_exit;
    std::vector<ResourceReport> resources;
    std::uint64_t sample = 0;                // of this process: which of its figures came last
    std::optional<TimePoint> figures_until;  // they hold; nullopt: they do not, or none came
    std::map<std::string, ResourceTotals> ended;
  };
  using Rows = std::map<std::string, Row>;

  void On(const DesiredChanged& event, TimePoint now);
  void On(const KubeletChanged& event, TimePoint now);
  void On(const Spawned& event, TimePoint now);
  void On(const SpawnFailed& event, TimePoint now);
  void On(const Reported& event, TimePoint now);
  void On(const ChildExited& event, TimePoint now);
  void On(const KubeletSaid& event, TimePoint now);
  void On(const SocketsSeen& event, TimePoint now);
  void On(const DeadlinePassed& event, TimePoint now);
  void On(const StopRequested& event, TimePoint now);

  void Enter(Row& row, PluginPhase phase, TimePoint now, std::optional<TimePoint> deadline);
  void AwaitRegistration(Row& row, TimePoint now);
  void BecomeRunning(Row& row, TimePoint now);
  void Stop(const std::string& name, Row& row, StopMode mode, TimePoint now);
  void KillProcess(const std::string& name, Row& row);
  void CountFailure(Row& row, RestartReason reason);
  void BackOff(Row& row, TimePoint now);
  // The process of a stopping row is gone: erases the row or lets it start again.
  void Ended(Rows::iterator row, TimePoint now);
  void StartHeld(TimePoint now);
  // After a report: new figures hold from now on, others no longer than they did before.
  static void JudgeFigures(Row& row, TimePoint now);
  void DropOldFigures(TimePoint now);

  // Of foreign plugins.
  void KubeletChangedFor(Row& row, TimePoint now);
  void Judge(Row& row, TimePoint now);
  void LookAtSocketsWhenDue(TimePoint now);
  bool IsForeignAlive(const Row& row) const;
  void RememberAcceptance(Row& row, TimePoint now);
  // Whether the kubelet accepts devices of the row's resource; nullopt: not known. The last word
  // may be that of a kubelet that is gone.
  std::optional<bool> LastWordOn(const Row& row) const;
  std::optional<bool> Accepts(const Row& row) const;
  std::string NoteFor(const Row& row) const;

  StopMode ModeFor(const Row& row) const;
  // Whose process still has the resource of `row`; nullptr: nobody's.
  const std::string* HolderOf(const std::string& name, const Row& row) const;

  Rows rows_;
  std::vector<Action> actions_;  // of the event that is handled
  DeviceManagerStatus device_manager_;
  // What the kubelet said last; nullopt: nothing yet. While it is down that says nothing.
  std::optional<KubeletReport> kubelet_;
  bool was_up_ = false;
  bool stopping_ = false;
  bool all_stopped_ = false;
};

}  // namespace nodedevice
