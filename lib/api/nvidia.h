#pragma once

// Family `nvidia` of a plugin entry: GPUs of NVIDIA, found through the driver's own library.

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace nodedevice {

// Numbers of the driver's errors (XIDs) that a program of a container brings about: they say
// nothing about the GPU.
inline constexpr std::array<int, 6> kXidsOfPrograms = {13, 31, 43, 45, 68, 109};

// What NVIDIA's own plugin calls whole GPUs.
inline constexpr char kNvidiaGpuResource[] = "nvidia.com/gpu";

// What the driver's errors mean for a GPU.
struct XidPolicy {
  std::vector<int> ignored;   // beside kXidsOfPrograms
  std::vector<int> critical;  // these count although they are among kXidsOfPrograms
  // How long a GPU must have been without an error that counts to be well again.
  std::chrono::seconds quiet{600};
  bool operator==(const XidPolicy&) const = default;
};

struct Nvidia {
  enum class Layout {
    kNvml,  // what NVIDIA's own plugin announces
    kCos,   // what Google's plugin for Container-Optimized OS announces
  };
  enum class MigStrategy { kNone, kSingle, kMixed };
  // How a container is told of its devices.
  enum class ListStrategy { kEnvvar, kVolumeMounts, kCdiAnnotations, kCdiCri };
  enum class IdStrategy { kUuid, kIndex };
  enum class SharingStrategy {
    kTimeSlicing,  // the driver gives each process of a GPU its time
    kMps,          // they are clients of one server of CUDA's Multi-Process Service
  };

  Layout layout = Layout::kNvml;
  std::string driver_root;  // empty: the layout's default, see DriverRootOf()
  XidPolicy xids;
  // How often it is asked how much of the devices is in use, for metrics; nullopt: never.
  std::optional<std::chrono::seconds> metrics_interval;

  // kNvml only.
  MigStrategy mig_strategy = MigStrategy::kNone;
  std::vector<ListStrategy> device_list_strategy = {ListStrategy::kEnvvar};
  IdStrategy device_id_strategy = IdStrategy::kUuid;
  bool pass_device_specs = false;
  std::string cdi_annotation_prefix = "cdi.k8s.io/";
  // NVIDIA's own configuration on the host, which says the five above and how GPUs are shared
  // (nvidia_config.h); empty: none.
  std::string config_file;
  SharingStrategy sharing_strategy = SharingStrategy::kTimeSlicing;
  // The folder of the host in which the control daemons of MPS have theirs, one for each resource.
  std::string mps_root = "/run/nvidia/mps";

  // kCos only.
  std::string partition_size;  // "1g.5gb"; empty: whole GPUs

  bool operator==(const Nvidia&) const = default;
};

inline bool Has(const Nvidia& nvidia, Nvidia::ListStrategy strategy) {
  return std::ranges::find(nvidia.device_list_strategy, strategy) !=
         nvidia.device_list_strategy.end();
}

// How many clients a server of MPS takes, and so how many shares there may be of a GPU.
inline constexpr int kMaxMpsClients = 48;

inline bool UsesMps(const Nvidia& nvidia) {
  return nvidia.sharing_strategy == Nvidia::SharingStrategy::kMps;
}

// Whether containers are told of their devices by names whose meaning is in a file.
inline bool GivesCdiNames(const Nvidia& nvidia) {
  return Has(nvidia, Nvidia::ListStrategy::kCdiAnnotations) ||
         Has(nvidia, Nvidia::ListStrategy::kCdiCri);
}

// The folder of the host below which the driver's libraries are looked for.
inline std::string DriverRootOf(const Nvidia& nvidia) {
  if (!nvidia.driver_root.empty()) return nvidia.driver_root;
  return nvidia.layout == Nvidia::Layout::kCos ? "/home/kubernetes/bin/nvidia" : "/";
}

}  // namespace nodedevice
