#pragma once

// How the shares of a device are called at the kubelet.

#include <string>
#include <string_view>

namespace nodedevice {

// Ids on the wire: the device's own, or with replicas "<id>::<n>", n from 0.
std::string ReplicaId(const std::string& id, int replica, int replicas);

// The device that an id on the wire belongs to.
std::string_view BaseId(std::string_view wire_id);

}  // namespace nodedevice
