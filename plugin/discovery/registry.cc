#include "plugin/discovery/registry.h"

#include <variant>

#include "plugin/discovery/paths.h"
#include "plugin/discovery/static.h"

namespace nodedevice {
namespace {

struct Maker {
  const PluginSpec& spec;
  const HostRoot& host;
  using Result = absl::StatusOr<std::unique_ptr<DiscoverySource>>;

  Result operator()(const Paths& paths) const {
    return std::make_unique<PathsSource>(spec.resource_name, paths, spec.topology, host);
  }
  Result operator()(const Static& devices) const {
    return std::make_unique<StaticSource>(spec.resource_name, devices);
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
