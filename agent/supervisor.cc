#include "agent/supervisor.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "lib/base/backoff.h"

namespace nodedevice {
namespace {

constexpr Backoff kRestart{.first = std::chrono::seconds(1), .limit = std::chrono::seconds(60)};

// The first registration error among the resources, as an addition to a sentence.
std::string FirstError(const std::vector<ResourceReport>& resources) {
  for (const ResourceReport& resource : resources) {
    if (!resource.error.empty()) return absl::StrCat(" (", resource.error, ")");
  }
  return "";
}

}  // namespace

std::vector<Action> Supervisor::Handle(const Event& event, TimePoint now) {
  actions_.clear();
  std::visit([this, now](const auto& happened) { On(happened, now); }, event);
  StartHeld(now);
  if (stopping_ && rows_.empty() && !std::exchange(all_stopped_, true)) {
    actions_.push_back(AllStopped{});
  }
  return std::move(actions_);
}

std::optional<TimePoint> Supervisor::NextDeadline() const {
  std::optional<TimePoint> next;
  for (const auto& [name, row] : rows_) {
    for (const std::optional<TimePoint>& due :
         {row.deadline, row.look_at_sockets, row.figures_until}) {
      if (due && (!next || *due < *next)) next = due;
    }
  }
  return next;
}

void Supervisor::On(const DesiredChanged& event, TimePoint now) {
  if (stopping_) return;
  std::map<std::string, const PluginSpec*> wanted;
  for (const PluginSpec& spec : event.plugins) wanted[spec.name] = &spec;

  // All wishes first: how one plugin is stopped depends on what the others announce.
  std::set<std::string> changed;
  for (auto& [name, row] : rows_) {
    const auto spec = wanted.find(name);
    const std::optional<PluginSpec> desired =
        spec == wanted.end() ? std::nullopt : std::optional(*spec->second);
    if (desired == row.desired) continue;
    row.desired = desired;
    changed.insert(name);
  }
  for (const auto& [name, spec] : wanted) {
    if (rows_.contains(name)) continue;
    Row& row = rows_[name];
    row.desired = *spec;
    row.since = now;
  }

  for (const std::string& name : changed) {
    Row& row = rows_.at(name);
    switch (row.phase) {
      case PluginPhase::kHeld:
        if (!row.desired) rows_.erase(name);
        break;
      case PluginPhase::kBackingOff:
        if (!row.desired) {
          rows_.erase(name);
        } else {
          row.failures = 0;  // those were of another specification
          Enter(row, PluginPhase::kHeld, now, std::nullopt);
        }
        break;
      case PluginPhase::kStarting:
      case PluginPhase::kRunning:
        Stop(name, row, ModeFor(row), now);
        break;
      case PluginPhase::kStopping:
        break;  // seen when it has ended
    }
  }
}

void Supervisor::On(const KubeletChanged& event, TimePoint now) {
  const bool up = event.transition != Transition::kDown;
  if (event.transition == Transition::kReplaced || (up && was_up_)) ++device_manager_.restarts;
  was_up_ = was_up_ || up;
  device_manager_.up = up;
  device_manager_.since = now;
  for (auto& [name, row] : rows_) {
    if (row.process != Process::kAlive) continue;
    if (IsExec(row.actual)) {
      KubeletChangedFor(row, now);
    } else if (row.phase == PluginPhase::kStarting || (up && row.phase == PluginPhase::kRunning)) {
      AwaitRegistration(row, now);
    }
  }
}

void Supervisor::On(const Spawned& event, TimePoint now) {
  const auto found = rows_.find(event.plugin);
  if (found == rows_.end() || found->second.process != Process::kSpawning) return;
  Row& row = found->second;
  row.process = Process::kAlive;
  row.pid = event.pid;
  if (row.phase == PluginPhase::kStopping) {
    if (row.kill_when_spawned) {
      KillProcess(event.plugin, row);
    } else {
      actions_.push_back(Terminate{event.plugin, row.stop_mode});
    }
  } else if (IsExec(row.actual)) {
    BecomeRunning(row, now);
  } else {
    AwaitRegistration(row, now);
  }
}

void Supervisor::On(const SpawnFailed& event, TimePoint now) {
  const auto found = rows_.find(event.plugin);
  if (found == rows_.end() || found->second.process != Process::kSpawning) return;
  Row& row = found->second;
  row.process = Process::kNone;
  row.last_exit = event.error;
  if (row.phase == PluginPhase::kStopping) {
    Ended(found, now);
    return;
  }
  CountFailure(row, RestartReason::kStartFailed);
  BackOff(row, now);
}

void Supervisor::On(const Reported& event, TimePoint now) {
  const auto found = rows_.find(event.plugin);
  if (found == rows_.end()) return;
  Row& row = found->second;
  if (row.process != Process::kAlive || row.pid != event.pid) return;
  const bool was_held_back = IsHeldBack(row.resources);
  row.resources = event.report.resources;
  JudgeFigures(row, now);
  const bool registered = IsRegistered(row.resources);
  row.was_registered = row.was_registered || registered;
  if (row.phase == PluginPhase::kStarting && registered) BecomeRunning(row, now);
  if (row.phase == PluginPhase::kRunning && !registered) AwaitRegistration(row, now);
  if (row.phase == PluginPhase::kStarting && was_held_back != IsHeldBack(row.resources)) {
    AwaitRegistration(row, now);
  }
}

void Supervisor::On(const ChildExited& event, TimePoint now) {
  const auto found = rows_.find(event.plugin);
  if (found == rows_.end()) return;
  Row& row = found->second;
  if (row.process != Process::kAlive || row.pid != event.exit.pid) return;
  row.process = Process::kNone;
  row.pid = 0;
  row.look_at_sockets.reset();
  for (const ResourceReport& resource : row.resources) row.ended[resource.resource].Add(resource);
  row.resources.clear();
  row.sample = 0;
  row.figures_until.reset();
  row.last_exit = row.stop_cause.empty()
                      ? ToString(event.exit)
                      : absl::StrCat(row.stop_cause, "; then ", ToString(event.exit));
  if (row.phase == PluginPhase::kStopping) {
    Ended(found, now);
    return;
  }
  CountFailure(row, event.exit.signaled ? RestartReason::kSignaled : RestartReason::kExited);
  BackOff(row, now);
}

void Supervisor::On(const DeadlinePassed&, TimePoint now) {
  LookAtSocketsWhenDue(now);
  DropOldFigures(now);
  for (auto& [name, row] : rows_) {
    if (!row.deadline || *row.deadline > now) continue;
    switch (row.phase) {
      case PluginPhase::kHeld:
        row.deadline.reset();
        break;
      case PluginPhase::kStarting:
        CountFailure(
            row, row.was_registered ? RestartReason::kNotRegistered : RestartReason::kStartTimeout);
        row.stop_cause = absl::StrCat(
            "was not registered within 30 s",
            IsExec(row.actual) ? " of the kubelet's restart" : FirstError(row.resources));
        Stop(name, row, StopMode::kRestart, now);
        break;
      case PluginPhase::kRunning:
        row.failures = 0;
        row.deadline.reset();
        break;
      case PluginPhase::kStopping:
        row.deadline.reset();
        KillProcess(name, row);
        break;
      case PluginPhase::kBackingOff:
        Enter(row, PluginPhase::kHeld, now, std::nullopt);
        break;
    }
  }
}

void Supervisor::On(const StopRequested& event, TimePoint now) {
  const bool is_impatient = std::exchange(stopping_, true);
  std::erase_if(rows_, [](const auto& entry) {
    return entry.second.phase == PluginPhase::kHeld ||
           entry.second.phase == PluginPhase::kBackingOff;
  });
  for (auto& [name, row] : rows_) {
    if (row.phase != PluginPhase::kStopping) {
      Stop(name, row, event.mode, now);
    } else if (is_impatient) {
      row.deadline.reset();
      KillProcess(name, row);
    }
  }
}

void Supervisor::Enter(Row& row, PluginPhase phase, TimePoint now,
                       std::optional<TimePoint> deadline) {
  if (row.phase != phase) row.since = now;
  row.phase = phase;
  row.deadline = deadline;
}

void Supervisor::AwaitRegistration(Row& row, TimePoint now) {
  // Without a Device Manager nobody can register, so nobody is blamed for it; nor is one that is
  // told to wait.
  const bool due = device_manager_.up && !IsHeldBack(row.resources);
  Enter(row, PluginPhase::kStarting, now,
        due ? std::optional(now + kTimeToRegister) : std::nullopt);
}

void Supervisor::BecomeRunning(Row& row, TimePoint now) {
  Enter(row, PluginPhase::kRunning, now,
        row.failures > 0 ? std::optional(now + kStableAfter) : std::nullopt);
}

void Supervisor::Stop(const std::string& name, Row& row, StopMode mode, TimePoint now) {
  Enter(row, PluginPhase::kStopping, now, now + kStopGrace);
  row.look_at_sockets.reset();
  row.stop_mode = mode;
  // One that is being started is told when there is a process to tell.
  if (row.process == Process::kAlive) actions_.push_back(Terminate{name, mode});
}

void Supervisor::KillProcess(const std::string& name, Row& row) {
  if (row.process == Process::kAlive) {
    actions_.push_back(Kill{name});
  } else {
    row.kill_when_spawned = true;
  }
}

void Supervisor::CountFailure(Row& row, RestartReason reason) {
  ++row.restarts[static_cast<std::size_t>(reason)];
  ++row.failures;
}

void Supervisor::BackOff(Row& row, TimePoint now) {
  // A single crash is healed at once; only what crashes again has to wait.
  const Duration wait = row.failures <= 1 ? Duration::zero() : kRestart.After(row.failures - 1);
  Enter(row, PluginPhase::kBackingOff, now, now + wait);
}

void Supervisor::Ended(Rows::iterator row, TimePoint now) {
  if (stopping_ || !row->second.desired) {
    rows_.erase(row);
  } else {
    Enter(row->second, PluginPhase::kHeld, now, std::nullopt);
  }
}

void Supervisor::StartHeld(TimePoint now) {
  if (!device_manager_.up) return;
  for (auto& [name, row] : rows_) {
    if (row.phase != PluginPhase::kHeld || HolderOf(name, row) != nullptr) continue;
    row.actual = *row.desired;
    row.process = Process::kSpawning;
    row.was_registered = false;
    row.must_register = false;
    row.kill_when_spawned = false;
    row.stop_cause.clear();
    Enter(row, PluginPhase::kStarting, now, std::nullopt);
    actions_.push_back(Start{row.actual});
  }
}

void Supervisor::JudgeFigures(Row& row, TimePoint now) {
  for (ResourceReport& resource : row.resources) {
    if (resource.figures.number == 0) continue;
    if (resource.figures.number != row.sample) {
      row.sample = resource.figures.number;
      row.figures_until = now + resource.figures.valid;
    }
    if (!row.figures_until) resource.figures = {};
  }
}

void Supervisor::DropOldFigures(TimePoint now) {
  for (auto& [name, row] : rows_) {
    if (!row.figures_until || *row.figures_until > now) continue;
    row.figures_until.reset();
    for (ResourceReport& resource : row.resources) resource.figures = {};
  }
}

StopMode Supervisor::ModeFor(const Row& row) const {
  if (IsExec(row.actual)) return StopMode::kRestart;  // knows no other way
  // A plugin that was renamed, or changed, leaves a resource that will be announced again.
  const bool stays = std::ranges::any_of(rows_, [&row](const auto& other) {
    return other.second.desired && other.second.desired->resource_name == row.actual.resource_name;
  });
  return stays ? StopMode::kRestart : StopMode::kWithdraw;
}

const std::string* Supervisor::HolderOf(const std::string& name, const Row& row) const {
  // The kubelet cancels the newer of two streams for a resource when the older one ends.
  for (const auto& [other_name, other] : rows_) {
    if (other_name != name && other.process != Process::kNone &&
        other.actual.resource_name == row.desired->resource_name) {
      return &other_name;
    }
  }
  return nullptr;
}

Snapshot Supervisor::snapshot() const {
  Snapshot snapshot;
  snapshot.stopping = stopping_;
  snapshot.device_manager = device_manager_;
  for (const auto& [name, row] : rows_) {
    const PluginSpec& spec =
        row.process == Process::kNone && row.desired ? *row.desired : row.actual;
    PluginStatus status{.name = name,
                        .resource_name = spec.resource_name,
                        .exec = IsExec(spec),
                        .phase = row.phase,
                        .since = row.since,
                        .deadline = row.deadline,
                        .pid = row.pid,
                        .failures = row.failures,
                        .restarts = row.restarts,
                        .last_exit = row.last_exit,
                        .held_by = "",
                        .accepted = std::nullopt,
                        .was_accepted = false,
                        .note = "",
                        .resources = row.resources,
                        .ended = row.ended};
    if (IsForeignAlive(row)) {
      status.accepted = Accepts(row);
      status.was_accepted = row.was_registered;
      status.note = NoteFor(row);
    }
    if (row.phase == PluginPhase::kHeld) {
      const std::string* holder = row.desired ? HolderOf(name, row) : nullptr;
      status.held_by =
          holder ? absl::StrCat("the end of plugin ", *holder, ", which has ", spec.resource_name)
                 : "the Device Manager";
    }
    snapshot.plugins.push_back(std::move(status));
  }
  snapshot.kubelet = ViewOf(kubelet_ ? &*kubelet_ : nullptr, snapshot);
  return snapshot;
}

}  // namespace nodedevice
