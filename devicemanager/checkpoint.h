#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "devicemanager/pod_devices.h"
#include "devicemanager/spew_checksum.h"
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

// Writes the one line of JSON that a kubelet would write, with its checksum, while it is told what
// stands in it: all allocations, then the resources. Nothing is copied but into the text, since it
// is written at every admission and is most of what that needs. Not thread-safe.
class CheckpointWriter {
 public:
  // `buffer`: memory to write into; what is in it goes.
  explicit CheckpointWriter(std::string buffer = {});

  // In the order in which a kubelet would print the maps; its own order is random.
  void AddPods(const PodDevices& pod_devices);

  // `ids`: an iteration of strings, the healthy ones.
  template <typename Ids>
  void AddResource(std::string_view resource, const Ids& ids) {
    BeginResource();
    AppendIds(resource, ids);
    checksum_.AddResource(resource, ids);
  }

  std::string Finish() &&;

 private:
  void AddEntry(const std::string& pod_uid, const std::string& container,
                const std::string& resource, const HeldDevices& held);
  void EndPods();
  void BeginResource();
  void AppendText(std::string_view text);  // quoted and escaped

  // "key":["a","b"]
  template <typename Ids>
  void AppendIds(std::string_view key, const Ids& ids) {
    AppendText(key);
    text_ += ":[";
    std::string_view separator;
    for (const std::string& id : ids) {
      text_ += separator;
      AppendText(id);
      separator = ",";
    }
    text_ += ']';
  }

  std::string text_;
  SpewChecksum checksum_;
  bool any_entry_ = false;
  bool pods_ended_ = false;
};

// The whole of it at once.
std::string EncodeCheckpoint(const Checkpoint& checkpoint);

// Reads such a line. Untrusted text is safe: what is not a checkpoint, or has another checksum than
// it says, is an error that says which.
absl::StatusOr<Checkpoint> DecodeCheckpoint(std::string_view text);

}  // namespace nodedevice::devicemanager
