#pragma once

#include <string>
#include <vector>

#include "lib/api/device_plugin_config.h"
#include "lib/base/host_root.h"
#include "plugin/discovery/source.h"

namespace nodedevice {

// The host's network interfaces of Solarflare (PCI vendor 1924) in the order of their names,
// physical and virtual functions alike. One that was moved into a container's network is not the
// host's.
std::vector<std::string> SolarflareInterfaces(const HostRoot& host);

// Family `onload`: Onload's device nodes and libraries for containers, as slots or as one device
// for each Solarflare interface. All devices of a node need the same driver, so all are healthy or
// none is.
//
// Of the libraries only what can be mounted is given: files, and links that lead to one.
class OnloadSource : public DiscoverySource {
 public:
  OnloadSource(std::string resource, Onload onload, bool topology, const HostRoot& host);
  absl::StatusOr<Inventory> Scan() override;

 private:
  // What every device is made of, with what is wrong with it.
  Device Common(Inventory* inventory) const;
  std::string AddNodes(Device* device) const;
  std::string AddFiles(Inventory* inventory, Device* device) const;

  std::string resource_;
  Onload onload_;
  bool topology_;
  HostRoot host_;
};

}  // namespace nodedevice
