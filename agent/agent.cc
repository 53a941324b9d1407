#include "agent/agent.h"

#include <deque>
#include <utility>

#include "agent/foreign_sockets.h"
#include "agent/host_preparation.h"
#include "agent/narration.h"
#include "lib/api/container_conflicts.h"
#include "lib/base/log.h"

namespace nodedevice {
namespace {

// True when `report` shows that a stream ended since `known`, or that a resource registered anew.
bool ShowsLostStream(const Snapshot& known, const Reported& report) {
  for (const PluginStatus& plugin : known.plugins) {
    if (plugin.name != report.plugin || plugin.pid != report.pid) continue;
    for (const ResourceReport& before : plugin.resources) {
      if (before.phase != RegistrationPhase::kStreaming) continue;
      for (const ResourceReport& now : report.report.resources) {
        if (now.resource == before.resource && (now.phase != RegistrationPhase::kStreaming ||
                                                now.registrations_ok != before.registrations_ok)) {
          return true;
        }
      }
    }
  }
  return false;
}

}  // namespace

Agent::Agent(EventLoop& loop, const MakeConfigSource& config, LaunchSettings settings,
             Published<Snapshot>& published, Callbacks callbacks)
    : published_(published),
      callbacks_(std::move(callbacks)),
      host_root_(settings.host_root),
      paths_(settings.kubelet_dir),
      processes_(loop),
      launcher_(processes_, settings,
                {.on_report = [this](const Reported& report) { OnReport(report); },
                 .on_exit = [this](const ChildExited& exited) { Handle(exited); }}),
      observer_(loop, processes_, std::move(settings),
                {.on_report = [this](const KubeletReport& report) { OnKubeletReport(report); },
                 .on_stopped = [this] { EndWhenAllHaveEnded(); }}),
      kubelet_(
          loop, paths_,
          {.on_transition = [this](Transition transition) { Handle(KubeletChanged{transition}); },
           .on_look = [this] { OnLook(); }}),
      config_(config({.on_accepted =
                          [this](const DevicePluginConfig& accepted) {
                            wanted_preparation_ = accepted.node_preparation;
                            LookAtHost();
                            LookForConflicts(accepted.plugins);
                            Handle(DesiredChanged{accepted.plugins});
                          },
                      .on_status = [this] { Publish(); }})),
      deadline_(loop, [this] { Handle(DeadlinePassed{}); }),
      give_up_(loop, [this] { Stop(); }) {
  snapshot_.started = Clock::now();
  snapshot_.device_manager.since = snapshot_.started;
}

void Agent::Start() {
  kubelet_.Start();
  if (!kubelet_.up()) {
    spdlog::warn("no Device Manager yet, waiting: {}", kubelet_.problem());
  }
  config_->Start();
}

void Agent::SetNode(const NodeInfo& node) {
  if (node_ == node) return;
  node_ = node;
  Publish();
}

void Agent::SetExplanation(std::vector<std::string> explanation) {
  if (explanation_ == explanation) return;
  explanation_ = std::move(explanation);
  Publish();
}

void Agent::Stop() {
  if (snapshot_.stopping) observer_.Kill();
  // Of a configuration that was deleted nothing comes back: the capacity must not outlive it.
  Handle(StopRequested{config_->was_deleted() ? StopMode::kWithdraw : StopMode::kRestart});
}

void Agent::OnReport(const Reported& report) {
  // A kubelet that was replaced shows in a lost stream first. It must be known before the report is
  // believed: a registration with the new kubelet would else be counted as one with the old, and
  // the plugin be asked for another one that never comes.
  if (ShowsLostStream(snapshot_, report)) kubelet_.Look();
  Handle(report);
}

void Agent::OnKubeletReport(const KubeletReport& report) {
  // For the same reason, a restart must be known before the new kubelet's word is.
  if (report.error.empty()) kubelet_.Look();
  Handle(KubeletSaid{report});
}

void Agent::LookAtHost() {
  preparation_.asked = !(wanted_preparation_ == NodePreparation());
  preparation_.lacking = LackingOnHost(wanted_preparation_, host_root_);
}

void Agent::LookForConflicts(const std::vector<PluginSpec>& plugins) {
  container_conflicts_.clear();
  for (const FieldError& conflict : ContainerConflicts(plugins)) {
    container_conflicts_.push_back(ToString({conflict}));
  }
  device_conflicts_.Expect(plugins);
}

void Agent::OnLook() {
  LookAtHost();
  Publish();  // also the sign that the loop comes round
  if (!kubelet_.folder_lost() || gave_up_ || snapshot_.stopping) return;
  gave_up_ = true;
  spdlog::error("{}; ending, so that the next start mounts the folder that the kubelet uses",
                kubelet_.problem());
  give_up_.After(Duration::zero());  // not from inside of Start()
}

void Agent::Handle(const Event& event) {
  std::deque<Event> events = {event};
  while (!events.empty()) {
    const std::vector<Action> actions = supervisor_.Handle(events.front(), Clock::now());
    events.pop_front();
    Publish();
    for (const Action& action : actions) {
      if (std::optional<Event> outcome = Perform(action)) events.push_back(*std::move(outcome));
    }
  }
  if (const std::optional<TimePoint> next = supervisor_.NextDeadline()) {
    deadline_.At(*next);
  } else {
    deadline_.Cancel();
  }
  observer_.Want(!snapshot_.plugins.empty() && !snapshot_.stopping);
}

void Agent::Publish() {
  Snapshot next = supervisor_.snapshot();
  next.version = NODEDEVICE_VERSION;
  next.started = snapshot_.started;
  next.looked_at = Clock::now();
  next.config = config_->status();
  next.node = node_;
  next.preparation = preparation_;
  next.conflicts = {device_conflicts_.Look(next.plugins), container_conflicts_};
  if (next.device_manager.since == TimePoint()) next.device_manager.since = next.started;
  next.device_manager.socket = paths_.registration_socket().string();
  next.device_manager.problem = kubelet_.problem();
  if (next.device_manager.up) explanation_.clear();
  next.device_manager.explanation = explanation_;
  for (const Narration& line : Narrate(snapshot_, next)) {
    if (line.level == Narration::Level::kWarning) {
      spdlog::warn("{}", line.text);
    } else {
      spdlog::info("{}", line.text);
    }
  }
  const Snapshot before = std::exchange(snapshot_, std::move(next));
  published_.Set(snapshot_);
  if (callbacks_.on_snapshot) callbacks_.on_snapshot(before, snapshot_);
}

std::optional<Event> Agent::Perform(const Action& action) {
  return std::visit([this](const auto& what) { return Do(what); }, action);
}

std::optional<Event> Agent::Do(const ::nodedevice::Start& action) {
  const absl::StatusOr<int> pid = launcher_.StartPlugin(action.spec);
  if (!pid.ok()) {
    return SpawnFailed{.plugin = action.spec.name, .error = std::string(pid.status().message())};
  }
  return Spawned{.plugin = action.spec.name, .pid = *pid};
}

std::optional<Event> Agent::Do(const Terminate& action) {
  launcher_.Signal(action.plugin, action.mode);
  return std::nullopt;
}

std::optional<Event> Agent::Do(const Kill& action) {
  spdlog::warn("plugin {}: did not end in time, killing its process group", action.plugin);
  launcher_.KillGroup(action.plugin);
  return std::nullopt;
}

std::optional<Event> Agent::Do(const LookAtSockets& action) {
  return SocketsSeen{.plugin = action.plugin,
                     .pid = action.pid,
                     .lost = HasLostItsSockets(action.pid, paths_.device_plugins())};
}

std::optional<Event> Agent::Do(const AllStopped&) {
  plugins_stopped_ = true;
  EndWhenAllHaveEnded();
  return std::nullopt;
}

void Agent::EndWhenAllHaveEnded() {
  if (plugins_stopped_ && !observer_.running()) callbacks_.on_stopped();
}

}  // namespace nodedevice
