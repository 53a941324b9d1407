#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "devicemanager/numa_mask.h"
#include "lib/base/clock.h"

namespace nodedevice::devicemanager {

// How long a kubelet keeps the capacity of a resource whose plugin went away.
inline constexpr Duration kStopGracePeriod = std::chrono::minutes(5);

// One device as a plugin announced it.
struct Device {
  std::string id;
  bool healthy = false;
  NumaNodes numa_nodes;  // empty: the plugin gave no topology
  bool operator==(const Device&) const = default;
};

// What a plugin answered to GetDevicePluginOptions.
struct PluginOptions {
  bool pre_start_required = false;
  bool preferred_allocation_available = false;
  bool operator==(const PluginOptions&) const = default;
};

// One connection to a plugin. Each Register call makes a new one.
using ClientId = std::uint64_t;

// What a kubelet 1.36.2 believes of the node's device plugins. Pure: it is told what happened and
// when, and says which connection must be closed in consequence. Not thread-safe.
//
// The kubelet looks connections up by resource name, not by connection, and so does this: see
// StreamEnded and ListReceived for what follows from it.
class Model {
 public:
  struct Endpoint {
    ClientId client = 0;  // 0: known from the checkpoint only
    PluginOptions options;
    std::optional<TimePoint> stopped_at;
    bool stopped() const { return stopped_at.has_value(); }
  };

  struct Counts {
    int capacity = 0;
    int allocatable = 0;
    bool connected = false;
    bool operator==(const Counts&) const = default;
  };

  // Register was accepted so far and the plugin is being dialled. From now on the resource name
  // stands for this connection, whoever had it before.
  void ConnectStarted(const std::string& resource, ClientId client);

  // Dialling or GetDevicePluginOptions failed. The name stands for no connection any more; an older
  // endpoint keeps its devices, and the end of its stream will go unnoticed.
  void ConnectFailed(const std::string& resource);

  // The plugin answered its options: the endpoint of the resource is replaced. Its devices appear
  // with the first list.
  void Connected(const std::string& resource, ClientId client, const PluginOptions& options);

  // A stream sent a list, which replaces everything known for the resource. Of several devices with
  // one id the last one's topology counts, and an id that is listed as healthy and as unhealthy is
  // both. The list of an older stream that is still open counts as well.
  void ListReceived(const std::string& resource, const std::vector<Device>& devices);

  // Some stream of the resource ended: whichever connection the name stands for now is
  // disconnected, even if it is a newer one and alive. Returns that connection, which the caller
  // closes. All devices become unhealthy and the grace period begins.
  std::optional<ClientId> StreamEnded(const std::string& resource, TimePoint now);

  // The same in a kubelet that has the fix: the end of a stream of any but the connection that the
  // name stands for changes nothing.
  std::optional<ClientId> OwnStreamEnded(const std::string& resource, ClientId client,
                                         TimePoint now);

  // The state after a restart: these resources are known to have existed and have no devices.
  void Restart(const std::set<std::string>& resources, TimePoint now);

  // Forgets every resource whose plugin has been away for longer than the grace period. True when
  // there was one: the checkpoint then has to be written again.
  bool ForgetExpired(TimePoint now);

  // True once a list arrived, or the checkpoint named the resource.
  bool IsRegistered(const std::string& resource) const;
  // nullptr when there is none.
  const Endpoint* FindEndpoint(const std::string& resource) const;
  // nullptr when no stream ever sent it.
  const Device* FindDevice(const std::string& resource, const std::string& id) const;
  std::set<std::string> Healthy(const std::string& resource) const;
  // Of every device in the last list, healthy or not.
  DeviceNodes NumaNodesOf(const std::string& resource) const;
  // Every resource that has a device list, with its healthy devices: what the checkpoint records.
  // They live as long as nothing is changed.
  using HealthyByName = std::map<std::string, const std::set<std::string>*>;
  HealthyByName HealthyByResource() const;
  // Every resource that the node shows. One that was forgotten is still there, with 0.
  std::map<std::string, Counts> Resources() const;

 private:
  struct Resource {
    std::map<std::string, Device> devices;  // as they were listed
    std::set<std::string> healthy;
    std::set<std::string> unhealthy;
    bool listed = false;
    bool shown = false;  // the node has shown it once, and keeps showing it
    std::optional<Endpoint> endpoint;
    std::optional<ClientId> client;  // the connection that the name stands for
  };

  const Resource* Find(const std::string& resource) const;

  std::map<std::string, Resource> resources_;
};

}  // namespace nodedevice::devicemanager
