#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace nodedevice {

// Names of the sockets on which we serve in the device-plugins folder.
//
// A socket is named for its resource and for this start of its server: newer kubelets refuse a name
// that is in use, and gRPC removes a socket file by name when a server ends, so a name that is used
// again could lose its file to the past.
class OwnSockets {
 public:
  OwnSockets(std::filesystem::path folder, const std::string& resource);

  // "nd-<resource hash>-<process>-<generation>.sock"
  std::string NameFor(std::uint64_t generation) const;
  std::filesystem::path PathFor(std::uint64_t generation) const;

  // Removes sockets of this resource that nobody answers on any more: what processes that were
  // killed left behind. Those of a living process stay.
  void RemoveStale() const;

 private:
  std::filesystem::path folder_;
  std::string prefix_;
};

}  // namespace nodedevice
