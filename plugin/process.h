#pragma once

#include <memory>
#include <vector>

#include "lib/api/device_plugin_config.h"
#include "lib/base/event_loop.h"
#include "lib/base/host_root.h"
#include "lib/base/worker.h"
#include "lib/kubelet/paths.h"
#include "plugin/discovery/source.h"
#include "plugin/plugin.h"
#include "plugin/report_pipe.h"

namespace nodedevice {

// The process: its plugin entries, the worker they share, and the report to the agent, if one
// started us. Ends the loop when all entries have stopped. Loop thread only.
class PluginProcess {
 public:
  PluginProcess(EventLoop& loop, const HostRoot& host, KubeletPaths paths);

  void Add(PluginSpec spec, std::unique_ptr<DiscoverySource> source);
  void Start();
  void Stop(bool withdraw);

 private:
  void OnChange();
  void SendReport();

  EventLoop& loop_;
  const HostRoot& host_;
  const KubeletPaths paths_;
  Timer report_;
  bool report_due_ = false;
  TimePoint reported_at_{};
  PluginReport last_;
  std::unique_ptr<ReportPipe> pipe_;  // null: nobody listens
  std::vector<std::unique_ptr<Plugin>> plugins_;
  std::size_t running_ = 0;
  Worker worker_;  // last: ends before what its jobs use
};

}  // namespace nodedevice
