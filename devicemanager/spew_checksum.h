#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "devicemanager/pod_devices.h"

namespace nodedevice::devicemanager {

// The kubelet's checksum of its checkpoint: FNV-1a, 32 bits, over the text that Go's spew package
// prints of the data with its type names. It is told the data in the order of the file, which is
// part of it, every allocation before the first resource, and keeps none of it. Not thread-safe.
class SpewChecksum {
 public:
  SpewChecksum();

  void AddEntry(std::string_view pod_uid, std::string_view container, std::string_view resource,
                const HeldDevices& held);

  // `ids`: an iteration of strings.
  template <typename Ids>
  void AddResource(std::string_view resource, const Ids& ids) {
    BeginResource();
    MixIds(resource, ids);
  }

  // Of all that was added so far.
  std::uint32_t Value() const;

 private:
  void Mix(std::string_view text);
  void EndEntries();
  void BeginResource();

  // "key:[a b]"
  template <typename Ids>
  void MixIds(std::string_view key, const Ids& ids) {
    Mix(key);
    Mix(":[");
    std::string_view separator;
    for (const std::string& id : ids) {
      Mix(separator);
      Mix(id);
      separator = " ";
    }
    Mix("]");
  }

  std::uint32_t hash_;
  bool any_entry_ = false;
  bool entries_ended_ = false;
};

}  // namespace nodedevice::devicemanager
