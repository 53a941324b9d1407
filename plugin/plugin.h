#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "lib/api/device_plugin_config.h"
#include "lib/api/plugin_report.h"
#include "lib/base/directory_watch.h"
#include "lib/base/event_loop.h"
#include "lib/base/host_root.h"
#include "lib/base/worker.h"
#include "lib/kubelet/kubelet_watch.h"
#include "plugin/device_making.h"
#include "plugin/device_preparation.h"
#include "plugin/discovery/source.h"
#include "plugin/health_tracker.h"
#include "plugin/rate_gate.h"
#include "plugin/resource_server.h"

namespace nodedevice {

// One plugin entry at work: scans when hinted, announces what it finds, keeps its resources
// registered. Loop thread only.
class Plugin {
 public:
  struct Parts {
    EventLoop& loop;
    Worker& worker;
    const HostRoot& host;
    KubeletPaths paths;
    std::function<void()> on_change;  // Report() may give something else
    std::function<void()> on_stopped;
  };

  Plugin(Parts parts, PluginSpec spec, std::unique_ptr<DiscoverySource> source);

  // Scans; the resources register as soon as the first scan is done, unless the source holds them
  // back.
  void Start();

  // Ends all streams; with `withdraw` an empty list goes before. on_stopped tells when it is done.
  void Stop(bool withdraw);

  std::vector<ResourceReport> Report() const;

 private:
  struct Resource {
    std::unique_ptr<ResourceServer> server;
    HealthTracker health;
    ResourceTerms terms = {};  // of the last scan, when it had some
  };

  void Hint();
  void Scan();
  void OnScanned(absl::StatusOr<Inventory> inventory);
  Resource& ResourceNamed(const std::string& name);
  void Announce(Resource& resource, const std::string& name, DeviceSet scanned,
                const Inventory& inventory);
  // The entry as it holds for a resource; null: as it stands.
  std::shared_ptr<const PluginSpec> SpecOf(Resource& resource, const std::string& name,
                                           const Inventory& inventory) const;
  void ArmHealthTimer();
  void Measure();
  void OnMeasured(std::vector<DeviceFigures> figures);
  // Of the devices that are announced.
  FiguresSample FiguresOf(const Resource& resource) const;
  void OnKubelet(Transition transition);
  void OnLook();
  void OnResourceStopped();

  Parts parts_;
  const PluginSpec spec_;
  std::unique_ptr<DiscoverySource> source_;  // the worker's, one scan at a time
  std::shared_ptr<Plugin*> alive_;           // results of the worker that come too late find null
  std::optional<DevicePreparation> preparation_;  // of a source that has a preparer
  std::map<std::string, Resource> resources_;     // after it: their calls wait for it
  std::optional<DeviceMaking> making_;            // of a source that has a maker
  std::vector<std::string> notes_;
  std::set<std::filesystem::path> watched_;
  bool scanning_ = false;
  bool scan_again_ = false;
  bool held_ = true;  // nothing is registered yet: by the source, or before the first scan
  bool stopping_ = false;
  std::size_t running_ = 0;
  RateGate gate_;
  DirectoryWatch hints_;
  Timer next_scan_;    // the gate's, or the rescan behind the hints
  Timer next_health_;  // recovery and forgetting
  const std::optional<Duration> figures_interval_;
  bool measuring_ = false;              // from the first scan on
  std::vector<DeviceFigures> figures_;  // the newest sample, of all resources
  std::uint64_t samples_ = 0;           // its number
  Timer next_figures_;
  KubeletWatch kubelet_;
  std::string kubelet_problem_;  // told of last
  std::string watch_problem_;    // told of last

 public:
  ~Plugin() { *alive_ = nullptr; }
};

}  // namespace nodedevice
