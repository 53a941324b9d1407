// What the Supervisor decides about foreign (exec) plugins, which tell us nothing: the kubelet's
// word and their sockets stand for their own.

#include "absl/strings/str_cat.h"
#include "agent/supervisor.h"

namespace nodedevice {

bool Supervisor::IsForeignAlive(const Row& row) const {
  return IsExec(row.actual) && row.process == Process::kAlive &&
         (row.phase == PluginPhase::kStarting || row.phase == PluginPhase::kRunning);
}

std::optional<bool> Supervisor::LastWordOn(const Row& row) const {
  if (!kubelet_ || !kubelet_->error.empty()) return std::nullopt;
  const auto use = kubelet_->resources.find(row.actual.resource_name);
  return use != kubelet_->resources.end() && use->second.accepted > 0;
}

std::optional<bool> Supervisor::Accepts(const Row& row) const {
  return device_manager_.up ? LastWordOn(row) : std::nullopt;
}

void Supervisor::RememberAcceptance(Row& row, TimePoint now) {
  // What was said when this process began may be about the one before it, of which the kubelet
  // notices the end within seconds. What still holds much later is about this one.
  if (LastWordOn(row) == true && now - row.since >= kStableAfter) row.was_registered = true;
}

void Supervisor::On(const KubeletSaid& event, TimePoint now) {
  for (auto& [name, row] : rows_) {
    if (IsForeignAlive(row)) RememberAcceptance(row, now);
  }
  kubelet_ = event.report;
  for (auto& [name, row] : rows_) {
    if (device_manager_.up && IsForeignAlive(row)) Judge(row, now);
  }
}

void Supervisor::Judge(Row& row, TimePoint now) {
  const std::optional<bool> accepts = Accepts(row);
  const bool starting = row.phase == PluginPhase::kStarting;
  if (accepts == true) {
    row.was_registered = true;
    row.must_register = false;
    if (starting) BecomeRunning(row, now);
  } else if (!accepts) {
    if (starting) BecomeRunning(row, now);  // nobody can say that it is not
  } else if (row.must_register && !starting) {
    AwaitRegistration(row, now);
  }
}

void Supervisor::KubeletChangedFor(Row& row, TimePoint now) {
  if (!IsForeignAlive(row)) return;
  RememberAcceptance(row, now);
  if (!device_manager_.up) {
    row.look_at_sockets.reset();
    if (row.phase == PluginPhase::kStarting) AwaitRegistration(row, now);
    return;
  }
  row.look_at_sockets = now + kTimeToNotice;
  row.must_register = row.must_register || row.was_registered;
  // What the kubelet has said may still be the earlier one's word, so only bad news counts yet.
  if (row.must_register && Accepts(row) == false) {
    AwaitRegistration(row, now);
  } else if (row.phase == PluginPhase::kStarting) {
    BecomeRunning(row, now);
  }
}

void Supervisor::LookAtSocketsWhenDue(TimePoint now) {
  for (auto& [name, row] : rows_) {
    if (!row.look_at_sockets || *row.look_at_sockets > now) continue;
    row.look_at_sockets.reset();
    actions_.push_back(LookAtSockets{.plugin = name, .pid = row.pid});
  }
}

void Supervisor::On(const SocketsSeen& event, TimePoint now) {
  const auto found = rows_.find(event.plugin);
  if (found == rows_.end() || !event.lost) return;
  Row& row = found->second;
  if (!IsForeignAlive(row) || row.pid != event.pid) return;
  CountFailure(row, RestartReason::kNotRegistered);
  row.stop_cause = "did not notice that the kubelet was restarted and has removed its socket";
  Stop(found->first, row, StopMode::kRestart, now);
}

std::string Supervisor::NoteFor(const Row& row) const {
  const std::string& resource = row.actual.resource_name;
  if (!device_manager_.up || !kubelet_ || Accepts(row) == true) return "";
  if (!Accepts(row)) {
    return absl::StrCat("it is not known whether the kubelet accepts ", resource, ": ",
                        kubelet_->error);
  }
  if (row.must_register) {
    return absl::StrCat("the kubelet was restarted and does not list ", resource, " again yet");
  }
  if (row.was_registered) {
    return absl::StrCat("the kubelet has accepted ", resource,
                        " before and lists no device of it now: all of them are unhealthy or gone, "
                        "or the plugin has lost its registration");
  }
  return absl::StrCat("the kubelet does not list ", resource,
                      ": the plugin has no healthy device on this node, has not registered, or "
                      "registers another name; look at what it prints");
}

}  // namespace nodedevice
