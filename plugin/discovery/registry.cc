#include "plugin/discovery/registry.h"

#include <variant>

#include "plugin/discovery/adjunct_processor.h"
#include "plugin/discovery/cos_gpu.h"
#include "plugin/discovery/mdev.h"
#include "plugin/discovery/nvidia.h"
#include "plugin/discovery/onload.h"
#include "plugin/discovery/paths.h"
#include "plugin/discovery/pci.h"
#include "plugin/discovery/static.h"
#include "plugin/discovery/usb_family.h"

namespace nodedevice {
namespace {

struct Maker {
  const PluginSpec& spec;
  const HostRoot& host;
  using Result = absl::StatusOr<std::unique_ptr<DiscoverySource>>;

  Result operator()(const Paths& paths) const {
    return std::make_unique<PathsSource>(spec.resource_name, paths, spec.topology, host);
  }
  Result operator()(const Pci& pci) const {
    return std::make_unique<PciSource>(spec.resource_name, pci, spec.topology, host);
  }
  Result operator()(const Mdev& mdev) const {
    return std::make_unique<MdevSource>(spec.resource_name, mdev, spec.topology, host);
  }
  Result operator()(const Usb& usb) const {
    return std::make_unique<UsbSource>(spec.resource_name, usb, spec.topology, host);
  }
  Result operator()(const Nvidia& nvidia) const {
    if (nvidia.layout == Nvidia::Layout::kCos) {
      return std::make_unique<CosGpuSource>(spec.resource_name, nvidia, spec.topology, host);
    }
    return std::make_unique<NvidiaSource>(spec.resource_name, nvidia, spec.topology, host);
  }
  Result operator()(const Onload& onload) const {
    return std::make_unique<OnloadSource>(spec.resource_name, onload, spec.topology, host);
  }
  Result operator()(const AdjunctProcessor& family) const {
    return std::make_unique<AdjunctProcessorSource>(spec.resource_name, family, host);
  }
  Result operator()(const Static& devices) const {
    return std::make_unique<StaticSource>(spec.resource_name, devices, spec.topology, host);
  }
  Result operator()(const Exec&) const {
    return absl::InvalidArgumentError(
        "exec: names another plugin's program; node-device-agent starts it, node-device-plugin "
        "cannot");
  }
};

}  // namespace

absl::StatusOr<std::unique_ptr<DiscoverySource>> MakeSource(const PluginSpec& spec,
                                                            const HostRoot& host) {
  return std::visit(Maker{spec, host}, spec.discovery);
}

}  // namespace nodedevice
