#include "devicemanager/pod_devices.h"

#include <utility>

namespace nodedevice::devicemanager {

std::set<std::string> HeldDevices::Ids() const {
  std::set<std::string> ids;
  for (const auto& [node, on_node] : by_node) ids.insert(on_node.begin(), on_node.end());
  return ids;
}

void PodDevices::Insert(const std::string& pod_uid, const std::string& container,
                        const std::string& resource, HeldDevices held) {
  pods_[pod_uid][container][resource] = std::move(held);
}

bool PodDevices::RemovePod(const std::string& pod_uid) { return pods_.erase(pod_uid) > 0; }

std::vector<std::string> PodDevices::RemoveAllBut(const std::set<std::string>& pod_uids) {
  std::vector<std::string> removed;
  std::erase_if(pods_, [&](const auto& pod) {
    if (pod_uids.contains(pod.first)) return false;
    removed.push_back(pod.first);
    return true;
  });
  return removed;
}

const HeldDevices* PodDevices::Find(const std::string& pod_uid, const std::string& container,
                                    const std::string& resource) const {
  const auto pod = pods_.find(pod_uid);
  if (pod == pods_.end()) return nullptr;
  const auto resources = pod->second.find(container);
  if (resources == pod->second.end()) return nullptr;
  const auto held = resources->second.find(resource);
  return held == resources->second.end() ? nullptr : &held->second;
}

PodDevices::ByResource PodDevices::OfContainer(const std::string& pod_uid,
                                               const std::string& container) const {
  const auto pod = pods_.find(pod_uid);
  if (pod == pods_.end()) return {};
  const auto resources = pod->second.find(container);
  return resources == pod->second.end() ? ByResource() : resources->second;
}

std::set<std::string> PodDevices::InUse(const std::string& resource) const {
  std::set<std::string> in_use;
  for (const auto& [uid, containers] : pods_) {
    for (const auto& [container, resources] : containers) {
      const auto held = resources.find(resource);
      if (held != resources.end()) in_use.merge(held->second.Ids());
    }
  }
  return in_use;
}

void AddReusable(const PodDevices::ByResource& held, ReusableDevices& reusable) {
  for (const auto& [resource, devices] : held) reusable[resource].merge(devices.Ids());
}

void RemoveReusable(const PodDevices::ByResource& held, ReusableDevices& reusable) {
  for (const auto& [resource, devices] : held) {
    for (const std::string& id : devices.Ids()) reusable[resource].erase(id);
  }
}

}  // namespace nodedevice::devicemanager
