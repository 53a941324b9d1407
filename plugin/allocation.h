#pragma once

#include <map>
#include <string>
#include <vector>

#include "lib/api/device_plugin_config.h"
#include "lib/base/status.h"
#include "plugin/announcement.h"

namespace nodedevice {

// What a container is started with, for the devices it was given.
struct ContainerAnswer {
  std::map<std::string, std::string> envs;
  std::vector<DeviceMount> mounts;
  std::vector<DeviceNode> nodes;
  std::map<std::string, std::string> annotations;
  std::vector<std::string> cdi;
  bool operator==(const ContainerAnswer&) const = default;
};

// Answers one container's request. Pure. The kubelet sends the ids in random order; the answer is
// in the order of the device set, each node and mount once, however many replicas share it. What
// devices add to one environment variable is joined by commas, each item once; one that the entry
// itself sets stays as it is there.
//
// Fails, naming the device and the reason, when an id is not announced (kNotFound), a device is
// unhealthy (kFailedPrecondition), sharing forbids more than one (kInvalidArgument), or two devices
// want different things at one container path (kInvalidArgument): the kubelet would silently keep
// the first.
absl::StatusOr<ContainerAnswer> AnswerContainer(const Announcement& offered, const PluginSpec& spec,
                                                const std::vector<std::string>& wire_ids);

}  // namespace nodedevice
