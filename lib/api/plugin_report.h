#pragma once

// What a plugin process tells its agent of itself: see report_line.h for how.

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/api/report_line.h"
#include "lib/base/status.h"

namespace nodedevice {

// At most this many devices of a resource are named in a report; the counts are complete. What the
// agent judges by names, such as whether two resources announce one device
// (agent/device_conflicts.h), it cannot judge of the others.
inline constexpr std::size_t kMaxReportedDevices = 256;

// Where a resource stands with the kubelet; the states of plugin/registrar.h in words.
enum class RegistrationPhase {
  kHeld,         // the entry itself says that it is not to be registered yet
  kIdle,         // no kubelet
  kStarting,     // opening the socket
  kRegistering,  // Register was called
  kRegistered,   // accepted; the kubelet has not asked for the list yet
  kStreaming,    // the kubelet follows the list: all is well
  kWaiting,      // failed; will try again
  kWithdrawing,  // stopping
};
std::string_view ToString(RegistrationPhase phase);

// Latencies of one method; buckets are cumulative from kRpcBuckets, without +Inf.
inline constexpr std::array<double, 10> kRpcBuckets = {0.0001, 0.00025, 0.0005, 0.001, 0.0025,
                                                       0.005,  0.01,    0.1,    1,     10};
struct RpcHistogram {
  std::array<std::uint64_t, kRpcBuckets.size()> buckets = {};
  std::uint64_t count = 0;
  double sum = 0;  // seconds
  bool operator==(const RpcHistogram&) const = default;
};

struct DeviceReport {
  std::string id;  // without replica suffix
  bool healthy = true;
  std::string reason;  // why it is unhealthy
  std::string paths;   // host paths, for people
  std::vector<int> numa_nodes;
  bool operator==(const DeviceReport&) const = default;
};

// How much of a device is in use, as its driver says. What it cannot say is absent.
struct DeviceFigures {
  std::string id;                                        // without replica suffix
  std::optional<std::uint64_t> duty_cycle_percent = {};  // of the last seconds
  std::optional<std::uint64_t> memory_total_bytes = {};
  std::optional<std::uint64_t> memory_used_bytes = {};
  bool operator==(const DeviceFigures&) const = default;
};

// The newest sample of the figures of a resource's devices. Every report repeats it until there is
// a newer one, so its number says whether it is news.
struct FiguresSample {
  std::uint64_t number = 0;       // in the life of the process, from 1; 0: nothing was sampled
  std::chrono::seconds valid{0};  // how long it holds after it came first
  std::vector<DeviceFigures> devices = {};  // at most kMaxReportedDevices
  bool operator==(const FiguresSample&) const = default;
};

struct ResourceReport {
  std::string resource;
  RegistrationPhase phase = RegistrationPhase::kIdle;
  std::string error;  // of the last registration attempt; empty when it went well
  std::uint64_t registrations_ok = 0;
  std::uint64_t registrations_failed = 0;
  std::uint64_t list_updates = 0;  // lists sent to the kubelet
  std::uint64_t healthy = 0;       // as announced: replicas counted
  std::uint64_t unhealthy = 0;
  std::vector<DeviceReport> devices;        // unhealthy ones first; at most kMaxReportedDevices
  std::vector<std::string> notes;           // for people: "/dev/kvm does not exist"
  std::map<std::string, RpcHistogram> rpc;  // by method
  FiguresSample figures = {};               // of an entry that asks for them
  bool operator==(const ResourceReport&) const = default;
};

struct PluginReport {
  std::vector<ResourceReport> resources;
  bool operator==(const PluginReport&) const = default;
};

// One line, without the newline.
std::string ToLine(const PluginReport& report);

// The line comes from another process and is untrusted: any bytes give a report or an error.
absl::StatusOr<PluginReport> ParseReportLine(std::string_view line);

}  // namespace nodedevice
