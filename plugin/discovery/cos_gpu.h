#pragma once

#include <functional>
#include <string>
#include <vector>

#include "lib/api/device_plugin_config.h"
#include "lib/base/host_root.h"
#include "plugin/discovery/source.h"
#include "plugin/nvidia/cos_gpus.h"
#include "plugin/nvidia/gpu_driver.h"
#include "plugin/nvidia/xid_health.h"

namespace nodedevice {

// Family `nvidia` with layout `cos`: GPUs by their device nodes, with the driver's folder mounted
// into each container, as on nodes with Container-Optimized OS. Ids are "nvidia0", or "nvidia0/gi3"
// for a partition. The driver's library, where there is one, tells of errors, and how much of
// the GPUs is in use.
class CosGpuSource : public DiscoverySource {
 public:
  CosGpuSource(std::string resource, Nvidia nvidia, bool topology, const HostRoot& host,
               GpuDriver::Timing timing);
  CosGpuSource(std::string resource, Nvidia nvidia, bool topology, const HostRoot& host)
      : CosGpuSource(std::move(resource), std::move(nvidia), topology, host, GpuDriver::Timing()) {}

  absl::StatusOr<Inventory> Scan() override;
  void OnNews(const std::function<void()>& on_news) override { driver_.OnNews(on_news); }
  std::optional<Duration> FiguresInterval() const override { return nvidia_.metrics_interval; }
  void Measure(const Measured& done) override;

 private:
  Device MakeDevice(const std::vector<std::string>& own, const std::vector<std::string>& controls,
                    const CosGpu& gpu) const;
  std::string XidProblem(const GpuDriver::View& view, unsigned minor,
                         const CosPartition* partition) const;

  const std::string resource_;
  const Nvidia nvidia_;
  const bool topology_;
  const HostRoot host_;
  XidHealth xids_;
  GpuDriver driver_;
};

}  // namespace nodedevice
