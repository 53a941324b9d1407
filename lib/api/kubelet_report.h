#pragma once

// What the kubelet says about devices, as the process that asks it (node-device-plugin --observe)
// tells the agent: see report_line.h for how.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "lib/api/report_line.h"
#include "lib/base/status.h"

namespace nodedevice {

// At most this many holders are in a report, and of each at most this many devices are named; the
// counts are complete.
inline constexpr std::size_t kMaxReportedHolders = 2048;
inline constexpr std::size_t kMaxHeldDevices = 64;

// The devices of one resource that a container holds.
struct DeviceHolder {
  std::string namespace_name;
  std::string pod;
  std::string container;
  std::string resource;
  std::uint64_t count = 0;
  std::vector<std::string> devices;  // as the kubelet has them, with replica suffix; sorted
  bool operator==(const DeviceHolder&) const = default;
};

// How the kubelet stands to one resource.
struct ResourceUse {
  std::uint64_t accepted = 0;   // devices that it would hand out: healthy ones
  std::uint64_t allocated = 0;  // devices that containers hold
  std::uint64_t holders = 0;    // those containers
  bool operator==(const ResourceUse&) const = default;
};

struct KubeletReport {
  std::string error = {};  // why the kubelet could not be asked; then nothing else is known
  std::map<std::string, ResourceUse> resources = {};
  std::vector<DeviceHolder> holders = {};  // sorted, so that equal pictures are equal reports
  bool operator==(const KubeletReport&) const = default;
};

// One line, without the newline.
std::string ToLine(const KubeletReport& report);

// The line comes from another process and is untrusted: any bytes give a report or an error.
absl::StatusOr<KubeletReport> ParseKubeletReportLine(std::string_view line);

}  // namespace nodedevice
