#include "agent/figures_in_use.h"

#include <map>
#include <utility>

#include "lib/api/replica_id.h"

namespace nodedevice {

std::vector<FiguresOfDevice> FiguresInUse(const Snapshot& snapshot) {
  // While a plugin is renamed two rows know the same resource; the first counts.
  std::map<std::pair<std::string, std::string>, FiguresOfDevice> devices;
  for (const PluginStatus& plugin : snapshot.plugins) {
    for (const ResourceReport& resource : plugin.resources) {
      for (const DeviceFigures& figures : resource.figures.devices) {
        devices.try_emplace({resource.resource, figures.id},
                            FiguresOfDevice{resource.resource, figures, {}});
      }
    }
  }
  std::size_t pairs = 0;
  for (const DeviceHolder& holder : snapshot.kubelet.holders) {
    for (const std::string& id : holder.devices) {
      const auto device = devices.find({holder.resource, std::string(BaseId(id))});
      if (device == devices.end() || pairs == kMaxFiguresOfContainers) continue;
      std::vector<const DeviceHolder*>& holders = device->second.holders;
      if (!holders.empty() && holders.back() == &holder) continue;  // another share
      holders.push_back(&holder);
      ++pairs;
    }
  }
  std::vector<FiguresOfDevice> result;
  result.reserve(devices.size());
  for (auto& [key, device] : devices) result.push_back(std::move(device));
  return result;
}

}  // namespace nodedevice
