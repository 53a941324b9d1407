#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "lib/api/kubelet_report.h"
#include "lib/base/event_loop.h"
#include "lib/base/worker.h"
#include "lib/kubelet/paths.h"
#include "plugin/discovery/maker.h"
#include "plugin/pod_resources_observer.h"
#include "plugin/removals.h"

namespace nodedevice {

// Has a DeviceMaker work, on a thread of its own: at the start, every `interval` since drivers come
// and rooms become free without a sign, and when something may be removed. The kubelet is asked
// who has what only once there is something to be removed. Loop thread only.
//
// Destruction waits for the step under way.
class DeviceMaking {
 public:
  // How long a step may take until people are told of it; it goes on.
  static constexpr Duration kPatience = std::chrono::seconds(25);

  // `name` is for people. `on_change`: a scan may find something else, or notes() differ.
  DeviceMaking(EventLoop& loop, const KubeletPaths& paths, std::string name, Duration interval,
               std::unique_ptr<DeviceMaker> maker, std::function<void()> on_change,
               Duration patience = kPatience);
  ~DeviceMaking();

  void Start() { Work(); }

  // What is not as asked for, for people.
  const std::vector<std::string>& notes() const { return notes_; }

 private:
  void Work();
  void OnBegun(const std::string& step);
  void OnWorked(const DeviceMaker::Order& order, const DeviceMaker::Result& result);
  void OnReport(const KubeletReport& report);
  void OnSlow();
  void Arm();

  EventLoop& loop_;
  const std::string name_;
  const Duration interval_;
  const Duration patience_;
  const std::function<void()> on_change_;
  std::shared_ptr<DeviceMaking*> alive_;  // what comes too late finds null
  Removals removals_;
  std::vector<std::string> notes_;
  std::string step_;  // under way
  bool working_ = false;
  bool work_again_ = false;  // something came while it worked
  TimePoint worked_at_{};
  bool observing_ = false;
  Timer next_;
  Timer slow_;
  PodResourcesObserver observer_;
  std::stop_source stop_;
  std::unique_ptr<DeviceMaker> maker_;  // the worker's
  Worker worker_;                       // last: ends before what its jobs use
};

// The devices that containers have, of whatever resource; nullopt: the report does not say it of
// all.
std::optional<std::set<std::string>> AllHeldDevices(const KubeletReport& report);

}  // namespace nodedevice
