#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "devicemanager/pod_devices.h"
#include "lib/base/status.h"

namespace nodedevice::devicemanager {

// A checkpoint with 5,000 devices is about 1 MiB; nobody's is larger than this.
inline constexpr std::size_t kCheckpointMaxBytes = 64u << 20;

// The content of the kubelet's file kubelet_internal_checkpoint.
struct Checkpoint {
  PodDevices pod_devices;
  std::map<std::string, std::vector<std::string>> registered;  // healthy ids by resource
  bool operator==(const Checkpoint&) const = default;
};

// The one line of JSON that a kubelet would write, with its checksum.
std::string EncodeCheckpoint(const Checkpoint& checkpoint);

// Reads such a line. Untrusted text is safe: what is not a checkpoint, or has another checksum than
// it says, is an error that says which.
absl::StatusOr<Checkpoint> DecodeCheckpoint(std::string_view text);

}  // namespace nodedevice::devicemanager
