#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace nodedevice::devicemanager {

// The NUMA node under which a device without topology is recorded.
inline constexpr std::int64_t kNoNumaNode = -1;

// What a container holds of one resource.
struct HeldDevices {
  // Ids by NUMA node. A device with several nodes stands under each of them.
  std::map<std::int64_t, std::vector<std::string>> by_node;
  // The plugin's ContainerAllocateResponse, serialized; nullopt only when a checkpoint has none.
  std::optional<std::string> response = std::string();

  std::set<std::string> Ids() const;
  bool operator==(const HeldDevices&) const = default;
};

// Which pod's container holds which devices. A value; not thread-safe.
class PodDevices {
 public:
  using ByResource = std::map<std::string, HeldDevices>;
  using ByContainer = std::map<std::string, ByResource>;
  using ByPod = std::map<std::string, ByContainer>;  // key: pod uid

  void Insert(const std::string& pod_uid, const std::string& container, const std::string& resource,
              HeldDevices held);
  // True when the pod held something.
  bool RemovePod(const std::string& pod_uid);
  // Frees what pods hold that are not among these, and returns their uids.
  std::vector<std::string> RemoveAllBut(const std::set<std::string>& pod_uids);

  // nullptr when the container holds nothing of the resource.
  const HeldDevices* Find(const std::string& pod_uid, const std::string& container,
                          const std::string& resource) const;
  // Everything the container holds.
  ByResource OfContainer(const std::string& pod_uid, const std::string& container) const;
  // The devices of a resource that any container holds.
  std::set<std::string> InUse(const std::string& resource) const;

  const ByPod& pods() const { return pods_; }
  bool operator==(const PodDevices&) const = default;

 private:
  ByPod pods_;
};

// Devices that a pod's finished init containers leave to the containers after them, by resource.
// A kubelet fills it while it walks through the containers of one pod.
using ReusableDevices = std::map<std::string, std::set<std::string>>;

// An ordinary init container has ended before the next container starts: what it held can be
// reused.
void AddReusable(const PodDevices::ByResource& held, ReusableDevices& reusable);
// An app container or a sidecar keeps what it took.
void RemoveReusable(const PodDevices::ByResource& held, ReusableDevices& reusable);

}  // namespace nodedevice::devicemanager
