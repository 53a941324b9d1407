#include "agent/kubelet_observer.h"

#include <signal.h>

#include <chrono>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "lib/base/backoff.h"
#include "lib/base/log.h"

namespace nodedevice {
namespace {

constexpr char kName[] = "kubelet observer";
constexpr Backoff kRestart{.first = std::chrono::seconds(1), .limit = std::chrono::seconds(60)};

}  // namespace

KubeletObserver::KubeletObserver(EventLoop& loop, ChildProcesses& processes,
                                 LaunchSettings settings, Callbacks callbacks)
    : processes_(processes),
      settings_(std::move(settings)),
      callbacks_(std::move(callbacks)),
      timer_(loop, [this] { OnTimer(); }) {}

void KubeletObserver::Want(bool wanted) {
  if (std::exchange(wanted_, wanted) == wanted) return;
  if (wanted && pid_ == 0) {
    failures_ = 0;
    Start();
  } else if (!wanted && pid_ != 0) {
    told_to_end_ = true;
    processes_.SignalGroup(pid_, SIGTERM);
    timer_.After(kStopGrace);
  } else if (!wanted) {
    timer_.Cancel();
  }
}

void KubeletObserver::Kill() {
  if (pid_ != 0) processes_.SignalGroup(pid_, SIGKILL);
}

void KubeletObserver::Start() {
  const absl::StatusOr<int> pid =
      processes_.Start(kName,
                       {.command = {settings_.plugin_binary.string(), "--observe", "--kubelet-dir",
                                    settings_.kubelet_dir.string(), "--log-format", "json",
                                    "--log-level", settings_.log_level},
                        .report_pipe = true,
                        .parent_death_signal = SIGTERM},
                       {.on_line = [this](std::string_view line) { OnLine(line); },
                        .on_exit = [this](const ChildExit& exit) { OnExit(exit); }});
  if (!pid.ok()) {
    Retry(std::string(pid.status().message()));
    return;
  }
  pid_ = *pid;
  told_to_end_ = false;
  started_at_ = Clock::now();
}

void KubeletObserver::OnLine(std::string_view line) {
  if (!wanted_) return;
  const absl::StatusOr<KubeletReport> report = ParseKubeletReportLine(line);
  if (report.ok()) {
    callbacks_.on_report(*report);
  } else {
    processes_.Note(
        pid_, absl::StrCat("a report is unreadable and ignored: ", report.status().message()));
  }
}

void KubeletObserver::OnExit(const ChildExit& exit) {
  pid_ = 0;
  timer_.Cancel();
  if (Clock::now() - started_at_ >= kStableAfter) failures_ = 0;
  if (wanted_ && told_to_end_) {
    Start();  // it is wanted again
  } else if (wanted_) {
    Retry(absl::StrCat("the process that asks the kubelet ", ToString(exit)));
  } else {
    callbacks_.on_stopped();
  }
}

void KubeletObserver::OnTimer() {
  if (wanted_ && pid_ == 0) {
    Start();
  } else {
    spdlog::warn("{}: did not end in time, killing it", kName);
    Kill();
  }
}

void KubeletObserver::Retry(std::string_view why) {
  ++failures_;
  timer_.After(kRestart.After(failures_));
  callbacks_.on_report({.error = std::string(why)});
}

}  // namespace nodedevice
