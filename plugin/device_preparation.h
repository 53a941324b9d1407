#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "lib/api/kubelet_report.h"
#include "lib/base/event_loop.h"
#include "lib/base/status.h"
#include "lib/base/worker.h"
#include "lib/kubelet/paths.h"
#include "plugin/discovery/preparer.h"
#include "plugin/pod_resources_observer.h"
#include "plugin/preparations.h"

namespace nodedevice {

// Makes the devices of one resource ready before a container starts, and gives them back when no
// container has them: performs what Preparations decides, on a thread of its own, and asks the
// kubelet who has what. Loop thread only, but for Prepare().
class DevicePreparation {
 public:
  using Done = std::function<void(const absl::Status&)>;

  // `on_change`: a scan may find something else now.
  DevicePreparation(EventLoop& loop, const KubeletPaths& paths, std::string resource,
                    std::unique_ptr<DevicePreparer> preparer, std::function<void()> on_change);
  ~DevicePreparation();

  void Start();

  // Any thread. `done` is called on the loop thread, or never if this goes away before.
  void Prepare(std::set<std::string> ids, Done done);

 private:
  void Handle(const Preparations::Event& event);
  void Perform(const Preparations::Prepare& action);
  void Perform(const Preparations::Release& action);
  void Perform(const Preparations::Answer& action);

  // For people: what was done, or what follows when it could not be.
  struct Words {
    std::string_view done;
    std::string_view otherwise;
  };
  // Has the preparer do one thing to a device; a `Done` event tells how it went.
  template <typename Done>
  void Work(const std::string& id, absl::Status (DevicePreparer::*work)(const std::string&),
            const Words& words);
  void OnDone(const std::string& id, const Words& words, const absl::Status& status);

  EventLoop& loop_;
  const std::string resource_;
  const std::function<void()> on_change_;
  std::shared_ptr<DevicePreparation*> alive_;  // what comes too late finds null
  Preparations preparations_;
  std::uint64_t last_call_ = 0;
  std::map<std::uint64_t, Done> calls_;
  Timer deadline_;
  PodResourcesObserver observer_;
  std::unique_ptr<DevicePreparer> preparer_;  // the worker's
  Worker worker_;                             // last: ends before what its jobs use
};

// The devices of `resource` that containers have; nullopt: the report does not say it of all.
std::optional<std::set<std::string>> HeldDevices(const KubeletReport& report,
                                                 const std::string& resource);

}  // namespace nodedevice
