#include "tests/soak/player.h"

#include <signal.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace nodedevice::soak {
namespace {

using Json = nlohmann::json;
using devicemanager::ControlJson;

constexpr double kDownSeconds = 0.1;

std::string Manifest(const std::string& pod, const Asked& asked) {
  Json containers = Json::array();
  for (const auto& [container, wishes] : asked) {
    Json limits = Json::object();
    for (const auto& [entry, count] : wishes) limits[ResourceOf(entry)] = count;
    containers.push_back({{"name", container}, {"resources", {{"limits", std::move(limits)}}}});
  }
  return Json({{"apiVersion", "v1"},
               {"kind", "Pod"},
               {"metadata", {{"name", pod}, {"uid", pod}}},
               {"spec", {{"containers", std::move(containers)}}}})
      .dump();
}

// The device nodes that a container must be told of for these devices.
Ids NodesFor(const ByEntry& held) {
  Ids nodes;
  for (const auto& [entry, ids] : held) {
    for (const std::string& id : ids) nodes.insert("/dev/" + id.substr(0, id.find("::")));
  }
  return nodes;
}

Ids NodesIn(const Json& spec) {
  Ids nodes;
  for (const Json& device : spec.value("devices", Json::array())) {
    nodes.insert(device.value("hostPath", ""));
  }
  return nodes;
}

std::string First(const std::vector<std::string>& differences) {
  return absl::StrJoin(differences, "\n    ");
}

double RestartsIn(const std::map<std::string, double>& series, const std::string& entry) {
  const auto found = series.find(
      absl::StrCat("nodedevice_plugin_restarts_total{plugin=\"", entry, "\",reason=\"signaled\"}"));
  return found == series.end() ? 0 : found->second;
}

absl::StatusOr<pid_t> ProcessOf(const Stage& stage, const std::string& entry) {
  for (const SeenProcess& process : stage.Processes()) {
    if (process.entry == entry) return process.pid;
  }
  return absl::NotFoundError(absl::StrCat("no process of '", entry, "'"));
}

}  // namespace

absl::Status Player::Begin(const Node& node) {
  for (const auto& [name, entry] : node.entries) {
    for (const int device : entry.plugged) stage_.Plug(absl::StrCat(name, device));
  }
  stage_.Configure(node.Config());
  RETURN_IF_ERROR(stage_.StartKubelet());
  RETURN_IF_ERROR(stage_.StartAgent(node.source));
  happened_ = Clock::now();
  return Settle(node).status();
}

absl::Status Player::Play(const Step& step, Node& node) {
  kubelet_settled_.reset();
  happened_ = Clock::now();
  const Node before = node;
  Apply(step, node);
  absl::Status played = step.kind == Kind::kAdmitPod ? Admit(step, node) : Do(step, before, node);
  was_settled_ = step.settle;
  return played;
}

absl::Status Player::Do(const Step& step, const Node& before, const Node& after) {
  const std::string device = absl::StrCat(step.entry, step.device);
  switch (step.kind) {
    case Kind::kPlug:
      stage_.Plug(device);
      return absl::OkStatus();
    case Kind::kUnplug:
      stage_.Unplug(device);
      return absl::OkStatus();
    case Kind::kReplaceNode:
      stage_.Replace(device);
      return absl::OkStatus();
    case Kind::kDeletePod:
      asked_.erase(step.pod);
      return stage_.Ask({{"command", "delete"}, {"namespace", "default"}, {"pod", step.pod}})
          .status();
    case Kind::kRestartKubelet:
      return RestartKubelet();
    case Kind::kEndKubelet:
      return EndKubelet(SIGTERM, before);
    case Kind::kKillKubelet:
      return EndKubelet(SIGKILL, before);
    case Kind::kDropStreams:
      return DropStream(step.entry);
    case Kind::kSlowKubelet:
      return SlowKubelet(after);
    case Kind::kRefuseDial:
      return RefuseDial(step.entry);
    case Kind::kKillPlugin:
      return KillPlugin(step.entry);
    case Kind::kKillObserver:
      return KillObserver();
    case Kind::kEndAgent:
    case Kind::kKillAgent: {
      RETURN_IF_ERROR(stage_.EndAgent(step.kind == Kind::kEndAgent ? SIGTERM : SIGKILL));
      happened_ = Clock::now();
      return stage_.StartAgent(step.source);
    }
    case Kind::kConfigure:
    case Kind::kRemoveEntry:
      stage_.Configure(after.Config());
      return absl::OkStatus();
    case Kind::kBadConfig:
      return BadConfig(after);
    case Kind::kApiOutage:
      return ApiOutage();
    case Kind::kApiForgets:
      stage_.api().Expire();
      stage_.api().EndStreams();
      return absl::OkStatus();
    case Kind::kCutWatches:
      stage_.api().EndStreams();
      return absl::OkStatus();
    case Kind::kMark:
      if (after.source != Source::kApi) return absl::OkStatus();
      RETURN_IF_ERROR(
          stage_.WaitUntil("the NodeDeviceState", [this] { return stage_.StateLacks(); }));
      happened_ = Clock::now();
      return absl::OkStatus();
    case Kind::kAdmitPod:
      break;  // Admit()
  }
  return absl::OkStatus();
}

absl::StatusOr<ByContainer> Player::AskToAdmit(const std::string& pod, const Asked& asked,
                                               bool fits) {
  ASSIGN_OR_RETURN(const Json answer,
                   stage_.Ask({{"command", "admit"}, {"manifest", Manifest(pod, asked)}}));
  if (answer.value("running", false) != fits) {
    return absl::InternalError(absl::StrCat("pod ", pod, fits ? " must be" : " must not be",
                                            " admitted: ", answer.dump()));
  }
  ByContainer given;
  for (const Json& container : answer["admission"].value("containers", Json::array())) {
    const std::string name = container.value("name", "");
    ByEntry& held = given[name];
    for (const auto& [resource, ids] : container.at("devices").items()) {
      for (const Json& id : ids) held[EntryOf(resource)].insert(Spelled(id.get<std::string>()));
    }
    if (const Ids told = NodesIn(container.at("spec")); told != NodesFor(held)) {
      return absl::InternalError(absl::StrCat("pod ", pod, ", container ", name, " is told of ",
                                              Text(told), " and holds ", Text(NodesFor(held))));
    }
    ++facts_;
  }
  return given;
}

absl::Status Player::Admit(const Step& step, Node& node) {
  const bool fits = node.Fits(step.asked);
  ASSIGN_OR_RETURN(const ByContainer given, AskToAdmit(step.pod, step.asked, fits));
  ++facts_;
  if (!fits) return absl::OkStatus();
  asked_[step.pod] = step.asked;
  const std::string wrong = node.Admitted(step.pod, step.asked, given);
  return wrong.empty() ? absl::OkStatus() : absl::InternalError(wrong);
}

absl::Status Player::RestartKubelet() {
  RETURN_IF_ERROR(stage_.Ask({{"command", "restart"}, {"downSeconds", kDownSeconds}}).status());
  happened_ = Clock::now();
  return absl::OkStatus();
}

absl::Status Player::EndKubelet(int signal, const Node& before) {
  RETURN_IF_ERROR(stage_.EndKubelet(signal));
  RETURN_IF_ERROR(stage_.StartKubelet());
  happened_ = Clock::now();
  // Its checkpoint says who holds what; and nothing is lost meanwhile.
  RETURN_IF_ERROR(WaitForKubelet(before));
  kubelet_settled_ = Clock::now() - happened_;

  // The others are gone first: those that it is not told of it frees by itself, and leaves in its
  // checkpoint until it writes the next one.
  const std::string survivor = before.Survivor();
  for (const auto& [pod, held] : before.pods) {
    if (pod == survivor) continue;
    RETURN_IF_ERROR(
        stage_.Ask({{"command", "delete"}, {"namespace", "default"}, {"pod", pod}}).status());
  }
  if (!survivor.empty()) {
    ASSIGN_OR_RETURN(const ByContainer given,
                     AskToAdmit(survivor, asked_.at(survivor), /*fits=*/true));
    if (given != before.pods.at(survivor)) {
      return absl::InternalError(
          absl::StrCat("pod ", survivor, " holds other devices after the kubelet's restart"));
    }
    ++facts_;
  }
  std::erase_if(asked_, [&](const auto& pod) { return pod.first != survivor; });
  return absl::OkStatus();
}

absl::Status Player::SetFault(const std::string& name, const std::string& value) {
  return stage_.Ask({{"command", "fault"}, {"name", name}, {"value", value}}).status();
}

absl::Status Player::SlowKubelet(const Node& node) {
  for (const char* name : {"slow-register", "slow-get-options", "slow-list-and-watch"}) {
    RETURN_IF_ERROR(SetFault(name, "150ms"));
  }
  RETURN_IF_ERROR(RestartKubelet());
  RETURN_IF_ERROR(WaitForKubelet(node));
  return SetFault("none", "");
}

double Player::Registrations(const std::string& entry, const std::string& result) const {
  const std::map<std::string, double> series = stage_.Series();
  const auto found = series.find(absl::StrCat("nodedevice_registrations_total{resource=\"",
                                              ResourceOf(entry), "\",result=\"", result, "\"}"));
  return found == series.end() ? 0 : found->second;
}

absl::Status Player::WaitForRegistration(const std::string& entry, const std::string& result,
                                         double before) {
  return stage_.WaitUntil("a registration", [&] {
    return Registrations(entry, result) > before
               ? std::string()
               : absl::StrCat("no further one of ", entry, " with result ", result);
  });
}

absl::Status Player::DropStream(const std::string& entry) {
  const double before = Registrations(entry, "ok");
  const absl::Status dropped = SetFault("drop-stream", ResourceOf(entry));
  // A plugin that the step before has interrupted may not be back yet.
  if (!was_settled_) return absl::OkStatus();
  RETURN_IF_ERROR(dropped);
  return WaitForRegistration(entry, "ok", before);
}

absl::Status Player::RefuseDial(const std::string& entry) {
  const double before = Registrations(entry, "error");
  RETURN_IF_ERROR(SetFault("refuse-dial", "on"));
  RETURN_IF_ERROR(RestartKubelet());
  RETURN_IF_ERROR(WaitForRegistration(entry, "error", before));
  happened_ = Clock::now();
  return SetFault("none", "");
}

absl::Status Player::KillPlugin(const std::string& entry) {
  const double before = RestartsIn(stage_.Series(), entry);
  ASSIGN_OR_RETURN(const pid_t pid, ProcessOf(stage_, entry));
  ::kill(pid, SIGKILL);
  return stage_.WaitUntil("the agent to notice", [&] {
    return std::string(RestartsIn(stage_.Series(), entry) > before ? "" : "it counts no restart");
  });
}

absl::Status Player::KillObserver() {
  ASSIGN_OR_RETURN(const pid_t pid, ProcessOf(stage_, ""));
  ::kill(pid, SIGKILL);
  return stage_.WaitUntil("the observer's end",
                          [&] { return std::string(testing::HasEnded(pid) ? "" : "it lives"); });
}

absl::Status Player::WaitForSeries(const std::string& name, double value) {
  return stage_.WaitUntil(absl::StrCat(name, " to be ", value), [&]() -> std::string {
    const std::map<std::string, double> series = stage_.Series();
    const auto found = series.find(name);
    if (found == series.end()) return "the agent does not say";
    return found->second == value ? "" : absl::StrCat("it is ", found->second);
  });
}

absl::Status Player::BadConfig(const Node& node) {
  const auto pids = [this] {
    std::map<std::string, pid_t> by_entry;
    for (const SeenProcess& process : stage_.Processes()) by_entry[process.entry] = process.pid;
    return by_entry;
  };
  const auto before = pids();
  stage_.Configure(node.BadConfig());
  RETURN_IF_ERROR(WaitForSeries("nodedevice_config_rejected", 1));
  ASSIGN_OR_RETURN(const Json status, stage_.KubeletStatus());
  const std::vector<std::string> differences = KubeletDiffers(node, status);
  if (!differences.empty() || pids() != before) {
    return absl::InternalError("a bad configuration has changed something: " + First(differences));
  }
  ++facts_;
  happened_ = Clock::now();
  stage_.Configure(node.Config());
  return absl::OkStatus();
}

absl::Status Player::ApiOutage() {
  stage_.api().Refuse("", 503);
  stage_.api().EndStreams();
  const absl::Status told = WaitForSeries("nodedevice_config_stale", 1);
  stage_.api().Refuse("", 0);
  happened_ = Clock::now();
  return told;
}

absl::Status Player::WaitForKubelet(const Node& node) {
  absl::Status broken;
  const absl::Status waited = stage_.WaitUntil("the kubelet", [&]() -> std::string {
    const absl::StatusOr<Json> status = stage_.KubeletStatus();
    if (!status.ok()) return std::string(status.status().message());
    if (const auto wrong = PodsDiffer(node, *status); !wrong.empty()) {
      broken = absl::InternalError(First(wrong));
      return "";
    }
    return First(KubeletDiffers(node, *status));
  });
  return broken.ok() ? waited : broken;
}

absl::StatusOr<Settled> Player::Settle(const Node& node) {
  Settled settled;
  RETURN_IF_ERROR(WaitForKubelet(node));
  settled.kubelet = kubelet_settled_.value_or(Clock::now() - happened_);
  RETURN_IF_ERROR(
      stage_.WaitUntil("the agent", [&] { return First(AgentDiffers(node, stage_.Look())); }));
  settled.all = Clock::now() - happened_;
  // What came last must have left the rest as it was.
  RETURN_IF_ERROR(WaitForKubelet(node));
  facts_ += FactsOf(node);
  return settled;
}

absl::Status Player::End() {
  RETURN_IF_ERROR(stage_.EndAgent(SIGTERM));
  return stage_.EndKubelet(SIGTERM);
}

}  // namespace nodedevice::soak
