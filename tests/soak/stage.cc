#include "tests/soak/stage.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string_view>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "devicemanager/kubelet_folder.h"
#include "lib/base/file.h"
#include "lib/base/process.h"
#include "lib/kubelet/paths.h"
#include "tests/support/places.h"
#include "tests/support/wait_for.h"

namespace nodedevice::soak {
namespace {

using Json = nlohmann::json;
using testing::Program;

constexpr std::size_t kMostOfAFile = 1 << 20;
constexpr std::size_t kTail = 6000;  // of a log, that is shown
constexpr int kLooks = 10;           // of a measurement
constexpr std::chrono::milliseconds kBetweenLooks(20);
constexpr char kRig[] = "/apis/nodedevices.io/v1alpha1/devicepluginconfigs/rig";
constexpr char kState[] = "/apis/nodedevices.io/v1alpha1/nodedevicestates/w7.rig";

std::string Tail(const std::string& text) {
  return text.substr(text.size() - std::min(text.size(), kTail));
}

// The parent and the state letter of a process; {0, 'X'}: it is gone.
std::pair<pid_t, char> ParentAndState(const std::filesystem::path& process) {
  const std::string stat = ReadFile(process / "stat", kMostOfAFile).value_or("");
  const std::size_t name_end = stat.rfind(')');  // the name may hold anything
  if (name_end == std::string::npos || name_end + 4 > stat.size()) return {0, 'X'};
  return {std::atoi(stat.c_str() + name_end + 4), stat[name_end + 2]};
}

// What stands between `mark` and the next quotation mark of a command line; empty: it is not there.
std::string QuotedAfter(std::string_view mark, const std::string& command_line) {
  const std::size_t at = command_line.find(mark);
  if (at == std::string::npos) return "";
  const std::size_t begin = at + mark.size();
  return command_line.substr(begin, command_line.find('"', begin) - begin);
}

void TakeLess(Figures& least, const Figures& figures) {
  least.private_kib = std::min(least.private_kib, figures.private_kib);
  least.descriptors = std::min(least.descriptors, figures.descriptors);
  least.threads = std::min(least.threads, figures.threads);
}

}  // namespace

Stage::Stage(Duration limit) : limit_(limit) {
  host_.Under("dev/x");
  dir_.Write("kubeconfig", api_.Kubeconfig());
  api_.Put("/api/v1/nodes/w7", {{"status", {{"nodeInfo", {{"kubeletVersion", "v1.36.2"}}}}}});
}

void Stage::Replace(const std::string& device) {
  std::filesystem::rename(host_.MakeNode("dev/.new"), host_.Under("dev/" + device));
}

void Stage::Configure(const Json& config) {
  std::filesystem::rename(dir_.Write("config.new", config.dump()), dir_.path() / "config.yaml");
  api_.Put(kRig, config);
}

absl::Status Stage::StartKubelet() {
  kubelet_ = std::make_unique<Program>(
      std::vector<std::string>{"device-manager", "serve", "--kubelet-dir", KubeletDir()},
      dir_.path() / "device-manager.log");
  return WaitUntil("the Device Manager's first answer",
                   [this] { return std::string(KubeletStatus().status().message()); });
}

absl::Status Stage::EndKubelet(int signal) {
  RETURN_IF_ERROR(End(kubelet_, "device-manager", signal));
  std::filesystem::remove(dir_.path() / "device-manager.log");
  return absl::OkStatus();
}

absl::Status Stage::End(std::unique_ptr<Program>& program, const std::string& name, int signal) {
  program->Signal(signal);
  const int code = program->Wait();
  const std::string said = program->Output();
  if (said.find("Sanitizer") != std::string::npos) {
    return absl::InternalError(name + ": a sanitizer has found something");
  }
  if (const int expected = signal == SIGKILL ? -SIGKILL : 0; code != expected) {
    return absl::InternalError(
        absl::StrCat(name, " ended with ", code, " after signal ", signal, ", not ", expected));
  }
  return absl::OkStatus();
}

absl::Status Stage::StartAgent(Source source) {
  // Under AddressSanitizer: with whole stacks, so that tests/lsan.supp knows what OpenSSL keeps for
  // cpprestsdk's threads until the program ends.
  std::vector<std::string> line = {"/usr/bin/env",
                                   "ASAN_OPTIONS=fast_unwind_on_malloc=0",
                                   testing::ProgramFolder() / "node-device-agent",
                                   "--kubelet-dir",
                                   KubeletDir(),
                                   "--host-root",
                                   host_.path().string(),
                                   "--listen",
                                   "127.0.0.1:0"};
  const std::vector<std::string> more =
      source == Source::kFile
          ? std::vector<std::string>{"--config", dir_.path() / "config.yaml"}
          : std::vector<std::string>{
                "--config-name", "rig", "--kubeconfig", dir_.path() / "kubeconfig",
                "--node-name",   "w7",  "--pod-name",   "agent-x"};
  line.insert(line.end(), more.begin(), more.end());
  std::error_code error;
  std::filesystem::remove(dir_.path() / absl::StrCat("agent-", starts_ - 1, ".log"), error);
  agent_ = std::make_unique<Program>(line, dir_.path() / absl::StrCat("agent-", ++starts_, ".log"));
  return WaitUntil("the agent's port", [this]() -> std::string {
    const auto port = testing::ServedPort(agent_->Output());
    port_ = port.value_or(0);
    return port ? "" : "it does not say that it serves";
  });
}

absl::Status Stage::EndAgent(int signal) {
  RETURN_IF_ERROR(End(agent_, "node-device-agent", signal));
  if (signal == SIGKILL) return absl::OkStatus();  // theirs is on its way
  for (const SeenProcess& process : Processes()) {
    return absl::InternalError(absl::StrCat("the agent has ended, and left process ", process.pid,
                                            " of ", process.entry, " behind"));
  }
  return absl::OkStatus();
}

absl::StatusOr<Json> Stage::Ask(const devicemanager::ControlJson& request) const {
  ASSIGN_OR_RETURN(const devicemanager::ControlJson answer,
                   devicemanager::ControlCall(
                       devicemanager::ControlSocket(KubeletPaths(KubeletDir())), request));
  return Json(answer);
}

std::map<std::string, double> Stage::Series() const {
  return ParseSeries(testing::HttpGet(port_, "/metrics").body);
}

Seen Stage::Look() const {
  const testing::HttpAnswer ready = testing::HttpGet(port_, "/readyz");
  return {.series = Series(),
          .ready_status = ready.status,
          .ready_body = ready.body,
          .agent = agent_->pid(),
          .processes = Processes()};
}

void Stage::ReapAdopted(pid_t pid) const {
  if (pid != agent_->pid() && pid != kubelet_->pid()) ::waitpid(pid, nullptr, WNOHANG);
}

std::vector<SeenProcess> Stage::Processes() const {
  std::vector<SeenProcess> processes;
  const std::filesystem::path proc = "/proc";
  for (const std::string& name : NamesIn(proc)) {
    pid_t pid = 0;
    if (!absl::SimpleAtoi(name, &pid)) continue;
    const auto [parent, state] = ParentAndState(proc / name);
    if (state == 'Z' && parent == ::getpid()) ReapAdopted(pid);
    if (state == 'Z' || state == 'X') continue;
    const std::string line =
        ReadFile(proc / name / "cmdline", kMostOfAFile).value_or("");  // "": it has ended
    if (line.find("/node-device-plugin") == std::string::npos) continue;
    if (line.find(KubeletDir()) == std::string::npos) continue;
    processes.push_back({.pid = pid,
                         .parent = parent,
                         .entry = EntryOf(QuotedAfter("\"resourceName\":\"", line)),
                         .revision = std::atoi(QuotedAfter("\"REVISION\":\"", line).c_str())});
  }
  return processes;
}

absl::StatusOr<Mark> Stage::Measure() const {
  std::map<std::string, pid_t> pids = {{"agent", agent_->pid()},
                                       {"device-manager", kubelet_->pid()}};
  for (const SeenProcess& process : Processes()) {
    pids[process.entry.empty() ? "observer" : "plugin " + process.entry] = process.pid;
  }
  Mark mark;
  absl::Status problem;
  int looks = 0;
  testing::WaitFor(
      [&] {
        for (const auto& [name, pid] : pids) {
          const absl::StatusOr<Figures> figures = FiguresOf(pid);
          if (!figures.ok()) {
            problem = Annotate(figures.status(), name);
            return true;
          }
          TakeLess(mark.emplace(name, *figures).first->second, *figures);
        }
        return ++looks == kLooks;
      },
      kBetweenLooks);
  if (!problem.ok()) return problem;
  return mark;
}

std::string Stage::StateLacks() const {
  const std::optional<Json> config = api_.Find(kRig);
  const std::optional<Json> state = api_.Find(kState);
  if (!config || !state) return "there is no NodeDeviceState";
  const Json status = state->value("status", Json::object());
  if (status.value("observedGeneration", 0) != (*config)["metadata"]["generation"]) {
    return absl::StrCat("the NodeDeviceState is of generation ",
                        status.value("observedGeneration", 0));
  }
  for (const Json& condition : status.value("conditions", Json::array())) {
    if (condition.value("type", "") != "Ready") continue;
    const std::string reason = condition.value("reason", "");
    return reason == "AllRegistered" ? "" : "the NodeDeviceState says " + reason;
  }
  return "the NodeDeviceState has no condition Ready";
}

absl::Status Stage::WaitUntil(const std::string& what,
                              const std::function<std::string()>& condition) const {
  std::string lacking;
  const bool held = testing::WaitFor(
      [&] {
        lacking = condition();
        return lacking.empty();
      },
      std::chrono::milliseconds(10), std::chrono::duration_cast<std::chrono::milliseconds>(limit_));
  if (held) return absl::OkStatus();
  return absl::DeadlineExceededError(absl::StrCat("waited ",
                                                  std::chrono::duration<double>(limit_).count(),
                                                  " s for ", what, " in vain: ", lacking));
}

std::string Stage::Logs() const {
  std::string text;
  if (kubelet_) absl::StrAppend(&text, "---- device-manager\n", Tail(kubelet_->Output()));
  if (agent_) absl::StrAppend(&text, "---- node-device-agent\n", Tail(agent_->Output()));
  return text;
}

}  // namespace nodedevice::soak
