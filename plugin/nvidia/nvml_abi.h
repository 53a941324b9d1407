#pragma once

// The part of NVIDIA's management library (NVML) that we call, as its binary interface has it: the
// library is loaded when it is there, so nothing of it is needed to build. Numbers and layouts are
// those that the vendor keeps stable; the suffixes _v2 and _v3 are part of the functions' names.

#include <cstdint>
#include <type_traits>

namespace nodedevice::nvml {

using Return = int;
inline constexpr Return kSuccess = 0;
inline constexpr Return kNotSupported = 3;
inline constexpr Return kNotFound = 6;
inline constexpr Return kTimeout = 10;

// A GPU or a MIG device; only the library looks behind it.
using Device = void*;
using EventSet = void*;

inline constexpr unsigned kTextSize = 96;  // what every name and UUID fits into

struct PciInfo {
  char bus_id_legacy[16];
  unsigned domain;
  unsigned bus;
  unsigned device;
  unsigned pci_device_id;
  unsigned pci_subsystem_id;
  char bus_id[32];  // "00000000:3B:00.0"
};
static_assert(sizeof(PciInfo) == 68 && std::is_standard_layout_v<PciInfo>);

struct DeviceAttributes {
  unsigned multiprocessors;
  unsigned copy_engines;
  unsigned decoders;
  unsigned encoders;
  unsigned jpeg_engines;
  unsigned ofa_engines;
  unsigned gpu_instance_slices;
  unsigned compute_instance_slices;
  unsigned long long memory_mib;
};
static_assert(sizeof(DeviceAttributes) == 40);

struct Memory {
  unsigned long long total;
  unsigned long long free;
  unsigned long long used;
};
static_assert(sizeof(Memory) == 24);

// Percent of the time of the driver's last sample, a sixth of a second to a second.
struct Utilization {
  unsigned gpu;
  unsigned memory;
};
static_assert(sizeof(Utilization) == 8);

// What samples can be had of, and what kind of number they are.
inline constexpr int kGpuUtilizationSamples = 1;
inline constexpr int kUnsignedInt = 1;

struct Sample {
  unsigned long long time;  // microseconds since the Unix epoch
  union {
    double floating;
    unsigned number;  // of kUnsignedInt
    unsigned long long wide_number;
  } value;
};
static_assert(sizeof(Sample) == 16 && std::is_standard_layout_v<Sample>);

inline constexpr unsigned long long kEventXid = 8;

struct EventData {
  Device device;
  unsigned long long type;
  unsigned long long data;  // of kEventXid: the XID
  unsigned gpu_instance;
  unsigned compute_instance;
};
static_assert(sizeof(EventData) == 32);

// Of an event that is about the whole GPU.
inline constexpr unsigned kNoInstance = 0xffff'ffff;

inline constexpr unsigned kMigEnabled = 1;
inline constexpr unsigned kLinkActive = 1;
inline constexpr unsigned kMaxLinks = 18;

// How near two GPUs are.
inline constexpr int kSameBoard = 0;
inline constexpr int kSingleSwitch = 10;
inline constexpr int kMultipleSwitches = 20;
inline constexpr int kHostBridge = 30;
inline constexpr int kSameNode = 40;
inline constexpr int kAcrossNodes = 50;

}  // namespace nodedevice::nvml
