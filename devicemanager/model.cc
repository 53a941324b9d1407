#include "devicemanager/model.h"

#include <utility>

namespace nodedevice::devicemanager {

void Model::ConnectStarted(const std::string& resource, ClientId client) {
  resources_[resource].client = client;
}

void Model::ConnectFailed(const std::string& resource) {
  const auto found = resources_.find(resource);
  if (found == resources_.end()) return;
  found->second.client.reset();
  // Nothing but the attempt was ever known of it.
  if (!found->second.shown) resources_.erase(found);
}

void Model::Connected(const std::string& resource, ClientId client, const PluginOptions& options) {
  Resource& entry = resources_[resource];
  entry.shown = true;
  entry.endpoint = Endpoint{.client = client, .options = options, .stopped_at = std::nullopt};
}

void Model::ListReceived(const std::string& resource, const std::vector<Device>& devices) {
  Resource& entry = resources_[resource];
  entry.listed = true;
  entry.shown = true;
  entry.devices.clear();
  entry.healthy.clear();
  entry.unhealthy.clear();
  for (const Device& device : devices) {
    entry.devices[device.id] = device;
    (device.healthy ? entry.healthy : entry.unhealthy).insert(device.id);
  }
}

std::optional<ClientId> Model::StreamEnded(const std::string& resource, TimePoint now) {
  const auto found = resources_.find(resource);
  if (found == resources_.end() || !found->second.client) return std::nullopt;
  Resource& entry = found->second;
  const std::optional<ClientId> disconnected = std::exchange(entry.client, std::nullopt);
  if (entry.endpoint) {
    entry.endpoint->stopped_at = now;
    entry.listed = true;
    entry.unhealthy.merge(entry.healthy);
    entry.healthy.clear();
  }
  return disconnected;
}

std::optional<ClientId> Model::OwnStreamEnded(const std::string& resource, ClientId client,
                                              TimePoint now) {
  const Resource* entry = Find(resource);
  if (entry == nullptr || entry->client != client) return std::nullopt;
  return StreamEnded(resource, now);
}

void Model::Restart(const std::set<std::string>& resources, TimePoint now) {
  resources_.clear();
  for (const std::string& name : resources) {
    Resource& entry = resources_[name];
    entry.listed = true;
    entry.shown = true;
    entry.endpoint = Endpoint{.client = 0, .options = {}, .stopped_at = now};
  }
}

bool Model::ForgetExpired(TimePoint now) {
  bool forgotten = false;
  for (auto& [name, entry] : resources_) {
    if (!entry.listed || !entry.endpoint || !entry.endpoint->stopped()) continue;
    if (now - *entry.endpoint->stopped_at <= kStopGracePeriod) continue;
    entry.devices.clear();
    entry.healthy.clear();
    entry.unhealthy.clear();
    entry.listed = false;
    entry.endpoint.reset();
    forgotten = true;
  }
  return forgotten;
}

const Model::Resource* Model::Find(const std::string& resource) const {
  const auto found = resources_.find(resource);
  return found == resources_.end() ? nullptr : &found->second;
}

bool Model::IsRegistered(const std::string& resource) const {
  const Resource* entry = Find(resource);
  return entry != nullptr && entry->listed;
}

const Model::Endpoint* Model::FindEndpoint(const std::string& resource) const {
  const Resource* entry = Find(resource);
  return entry != nullptr && entry->endpoint ? &*entry->endpoint : nullptr;
}

const Device* Model::FindDevice(const std::string& resource, const std::string& id) const {
  const Resource* entry = Find(resource);
  if (entry == nullptr) return nullptr;
  const auto found = entry->devices.find(id);
  return found == entry->devices.end() ? nullptr : &found->second;
}

std::set<std::string> Model::Healthy(const std::string& resource) const {
  const Resource* entry = Find(resource);
  return entry == nullptr ? std::set<std::string>() : entry->healthy;
}

DeviceNodes Model::NumaNodesOf(const std::string& resource) const {
  DeviceNodes nodes;
  if (const Resource* entry = Find(resource)) {
    for (const auto& [id, device] : entry->devices) nodes[id] = device.numa_nodes;
  }
  return nodes;
}

Model::HealthyByName Model::HealthyByResource() const {
  HealthyByName result;
  for (const auto& [name, entry] : resources_) {
    if (entry.listed) result[name] = &entry.healthy;
  }
  return result;
}

std::map<std::string, Model::Counts> Model::Resources() const {
  std::map<std::string, Counts> result;
  for (const auto& [name, entry] : resources_) {
    if (!entry.shown) continue;
    result[name] = {.capacity = static_cast<int>(entry.healthy.size() + entry.unhealthy.size()),
                    .allocatable = static_cast<int>(entry.healthy.size()),
                    .connected = entry.endpoint && !entry.endpoint->stopped()};
  }
  return result;
}

}  // namespace nodedevice::devicemanager
