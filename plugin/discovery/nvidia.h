#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>

#include "lib/api/device_plugin_config.h"
#include "lib/base/clock.h"
#include "lib/base/host_root.h"
#include "plugin/cdi_spec.h"
#include "plugin/discovery/source.h"
#include "plugin/nvidia/gpu_devices.h"
#include "plugin/nvidia/gpu_driver.h"
#include "plugin/nvidia/nvidia_config_file.h"
#include "plugin/nvidia/xid_health.h"

namespace nodedevice {

// Family `nvidia`: GPUs and MIG devices as the driver's library tells of them.
//
// A driver that is not there yet announces nothing, and is looked for at each scan. One that fails
// later makes its devices unhealthy rather than vanish. One that is silent keeps them as they are
// for a while: it may only be busy.
class NvidiaSource : public DiscoverySource {
 public:
  struct Timing {
    GpuDriver::Timing driver;
    Duration silence = std::chrono::seconds(30);  // after which a driver counts as failed
  };

  NvidiaSource(std::string resource, Nvidia nvidia, bool topology, const HostRoot& host,
               Timing timing);
  NvidiaSource(std::string resource, Nvidia nvidia, bool topology, const HostRoot& host)
      : NvidiaSource(std::move(resource), std::move(nvidia), topology, host, Timing()) {}

  absl::StatusOr<Inventory> Scan() override;
  void OnNews(const std::function<void()>& on_news) override { driver_.OnNews(on_news); }
  std::optional<Duration> FiguresInterval() const override { return nvidia_.metrics_interval; }
  void Measure(const Measured& done) override;

 private:
  // What is in force now: the entry, or what its configFile makes of it; nullopt: nothing yet.
  std::optional<NvidiaConfig> Config(Inventory& inventory);
  void AddGpus(const GpuDriver::View& view, const NvidiaConfig& config, TimePoint now,
               Inventory& inventory);
  // Moves what was found to the names that the configFile gives it, with the terms that it sets.
  void AddResource(const std::string& name, DeviceSet set, const NvidiaConfig& config,
                   Inventory& inventory);
  GpuFiles ReadFiles(const Gpus& gpus) const;
  void CheckNodes(DeviceSet& devices) const;
  void WriteCdi(const Nvidia& nvidia, const Gpus& gpus, const GpuFiles& files,
                Inventory& inventory);

  const std::string resource_;
  const Nvidia nvidia_;
  const std::string driver_root_;
  const bool topology_;
  const HostRoot host_;
  const Duration silence_;
  std::optional<NvidiaConfigFile> config_file_;
  std::optional<CdiSpecFile> cdi_;  // with a strategy that needs it
  XidHealth xids_;
  std::set<std::string> names_;  // of the resources so far: they stay, empty or not
  GpuDriver driver_;
};

}  // namespace nodedevice
