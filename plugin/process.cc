#include "plugin/process.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "lib/base/log.h"
#include "plugin/trim_memory.h"

namespace nodedevice {
namespace {

// A change is reported at once; further ones within this time are reported together.
constexpr Duration kReportInterval = std::chrono::milliseconds(50);

}  // namespace

PluginProcess::PluginProcess(EventLoop& loop, const HostRoot& host, KubeletPaths paths)
    : loop_(loop), host_(host), paths_(std::move(paths)), report_(loop, [this] { SendReport(); }) {
  if (ReportPipe::IsPresent(kReportFd)) {
    pipe_ = std::make_unique<ReportPipe>(loop_, kReportFd, [this] {
      spdlog::warn("the agent is gone; stopping");
      Stop(/*withdraw=*/false);
    });
  }
}

void PluginProcess::Add(PluginSpec spec, std::unique_ptr<DiscoverySource> source) {
  Plugin::Parts parts{.loop = loop_,
                      .worker = worker_,
                      .host = host_,
                      .paths = paths_,
                      .on_change = [this] { OnChange(); },
                      .on_stopped =
                          [this] {
                            if (--running_ > 0) return;
                            SendReport();
                            loop_.Stop();
                          }};
  plugins_.push_back(
      std::make_unique<Plugin>(std::move(parts), std::move(spec), std::move(source)));
  ++running_;
}

void PluginProcess::Start() {
  for (const auto& plugin : plugins_) plugin->Start();
}

void PluginProcess::Stop(bool withdraw) {
  for (const auto& plugin : plugins_) plugin->Stop(withdraw);
}

void PluginProcess::OnChange() {
  if (report_due_) return;
  report_due_ = true;
  report_.At(std::max(Clock::now(), reported_at_ + kReportInterval));
}

void PluginProcess::SendReport() {
  report_due_ = false;
  reported_at_ = Clock::now();
  TrimMemory();
  if (pipe_ == nullptr) return;
  PluginReport report;
  for (const auto& plugin : plugins_) {
    for (ResourceReport& resource : plugin->Report()) {
      report.resources.push_back(std::move(resource));
    }
  }
  if (report == last_) return;
  pipe_->Send(ToLine(report));
  last_ = std::move(report);
}

}  // namespace nodedevice
