#pragma once

// NVIDIA's driver as values: what its management library (NVML) says of the GPUs of this node. The
// library is loaded from the host's files at run time.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lib/api/plugin_report.h"
#include "lib/base/status.h"

namespace nodedevice {

// A part of a GPU that works like a GPU of its own.
struct MigDevice {
  std::string uuid;
  int index = 0;  // among those of its GPU
  unsigned gpu_instance = 0;
  unsigned compute_instance = 0;
  std::string profile;  // "1g.5gb"; empty only with a problem
  std::string problem;  // empty: the driver has answered every question about it
  bool operator==(const MigDevice&) const = default;
};

struct Gpu {
  std::string uuid;
  int index = 0;                  // as the driver counts
  std::optional<unsigned> minor;  // of /dev/nvidia<minor>; a virtual one may have none
  std::string pci_bus_id;         // as sysfs writes it, "0000:3b:00.0"; empty: not known
  bool mig = false;               // MIG is on: only MIG devices can compute
  std::vector<MigDevice> mig_devices;
  std::vector<std::string> notes;  // MIG devices that it has and the driver cannot even name
  std::string problem;  // empty: the driver has answered every question about the GPU itself
  bool operator==(const Gpu&) const = default;
};

// How near two GPUs are to each other; `first` < `second` are positions in Gpus::gpus.
struct GpuPair {
  enum class Level { kSameBoard, kSingleSwitch, kMultipleSwitches, kHostBridge, kSameCpu, kSystem };
  std::size_t first = 0;
  std::size_t second = 0;
  Level level = Level::kSystem;
  int links = 0;  // NVLinks from one to the other
  bool operator==(const GpuPair&) const = default;
};

struct Gpus {
  std::vector<Gpu> gpus;           // as the driver counts
  std::string driver_version;      // "535.104.05"; empty: not known
  bool complete = true;            // false: one that the driver cannot even name is left out
  std::vector<GpuPair> pairs;      // every pair of which the driver knows how near it is
  std::vector<std::string> notes;  // for people: what the driver or this library could not say
  bool operator==(const Gpus&) const = default;
};

// An error that the driver has told of.
struct XidEvent {
  std::string uuid;  // of the GPU; empty: the driver does not say
  std::uint64_t xid = 0;
  // Of the MIG device, when it is about one.
  std::optional<unsigned> gpu_instance;
  std::optional<unsigned> compute_instance;
  bool operator==(const XidEvent&) const = default;
};

// The library, loaded and initialised. Any call may block for as long as the driver likes. Look()
// and Measure() on one thread at a time, and WaitForXid() on one thread that may be another.
class Nvml {
 public:
  // Fails, naming the file, when it cannot be loaded, lacks a function that everything needs, or
  // the driver does not start it.
  static absl::StatusOr<std::unique_ptr<Nvml>> Load(const std::filesystem::path& library);
  ~Nvml();

  // What there is now. An error means that the library should be loaded anew: it answers nothing.
  absl::StatusOr<Gpus> Look();

  // How much of each GPU and MIG device is in use now; their ids are UUIDs. What the library is too
  // old for, or the driver answers with an error, is left out.
  std::vector<DeviceFigures> Measure();

  // Whether there is a GPU whose errors can be waited for.
  bool has_events() const;
  // Why that is not so for some or all: the library is too old, or the driver refuses. Empty: it
  // is.
  const std::string& events_problem() const;

  // The next event; nullopt when none came within the time.
  absl::StatusOr<std::optional<XidEvent>> WaitForXid(std::chrono::milliseconds patience);

 private:
  struct Impl;
  explicit Nvml(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace nodedevice
