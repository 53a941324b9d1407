#pragma once

// The figures that plugins report of their devices, and the containers that hold these. Pure.

#include <cstddef>
#include <string>
#include <vector>

#include "agent/snapshot.h"

namespace nodedevice {

// At most this many pairs of a device and a container are told of.
inline constexpr std::size_t kMaxFiguresOfContainers = 2048;

struct FiguresOfDevice {
  std::string resource;
  DeviceFigures figures;
  // Each once, also when it holds several shares of the device; empty: nobody holds it, or the
  // kubelet cannot be asked.
  std::vector<const DeviceHolder*> holders;
};

// Each device of which there are figures, once, by resource and id. The holders are those of
// `snapshot` and live as long as it does. A device of which the kubelet's report does not name all
// shares (kMaxHeldDevices) lacks some.
std::vector<FiguresOfDevice> FiguresInUse(const Snapshot& snapshot);

}  // namespace nodedevice
