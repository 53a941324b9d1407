#pragma once

#include <string>

namespace nodedevice {

// Onload, the user-level network stack for Solarflare interfaces. The defaults are those of AMD's
// own plugin.
struct Onload {
  enum class Announce {
    kSlots,       // sfc-0 ... : how many containers may use Onload at a time
    kInterfaces,  // one device for each Solarflare interface, called like it
  };
  Announce announce = Announce::kSlots;
  int max = 100;              // kSlots: how many
  bool need_nic = true;       // kSlots: nothing is announced without a Solarflare interface
  bool preload = true;        // every program of the container runs on Onload
  bool mount_onload = false;  // the container gets the command `onload`; not with preload
  std::string host_path = "/opt/onload";        // where Onload is installed on the host; may be /
  std::string base_mount_path = "/opt/onload";  // where the container sees it; may be /
  std::string bin_path = "/usr/bin";            // below base_mount_path
  std::string lib_path = "/usr/lib64";          // below base_mount_path
  bool operator==(const Onload&) const = default;
};

}  // namespace nodedevice
