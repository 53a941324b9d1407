#include "plugin/discovery/cos_gpu.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "plugin/discovery/numa.h"
#include "plugin/discovery/pci_bus.h"

namespace nodedevice {
namespace {

constexpr char kPermissions[] = "mrw";
// Without these two the driver is not at work.
constexpr const char* kRequired[] = {"/dev/nvidiactl", "/dev/nvidia-uvm"};
constexpr const char* kOptional[] = {"/dev/nvidia-modeset", "/dev/nvidia-uvm-tools"};
constexpr char kContainerDriver[] = "/usr/local/nvidia";
constexpr char kVulkan[] = "/vulkan/icd.d";  // below the driver's root
constexpr char kContainerVulkan[] = "/etc/vulkan/icd.d";

bool Exists(const HostRoot& host, const std::string& path) {
  struct stat info;
  return ::lstat(host.ResolveNative(path).c_str(), &info) == 0;
}

}  // namespace

CosGpuSource::CosGpuSource(std::string resource, Nvidia nvidia, bool topology, const HostRoot& host,
                           GpuDriver::Timing timing)
    : resource_(std::move(resource)),
      nvidia_(std::move(nvidia)),
      topology_(topology),
      host_(host),
      xids_(nvidia_.xids, XidHealth::Counting::kMemoryErrors),
      driver_(host_, DriverRootOf(nvidia_), timing) {}

absl::StatusOr<Inventory> CosGpuSource::Scan() {
  Inventory inventory;
  DeviceSet& set = inventory.resources[resource_];
  inventory.directories = {host_.Resolve("/dev"), host_.Resolve("/dev/nvidia-caps")};
  std::vector<std::string> controls;
  for (const char* path : kRequired) {
    if (!Exists(host_, path)) {
      inventory.notes.push_back(absl::StrCat(path, " does not exist: the driver is not loaded"));
    }
    controls.emplace_back(path);
  }
  if (!inventory.notes.empty()) return inventory;
  for (const char* path : kOptional) {
    if (Exists(host_, path)) controls.emplace_back(path);
  }
  const GpuDriver::View view = driver_.Look();
  const TimePoint now = Clock::now();
  for (const XidEvent& event : driver_.TakeXids()) xids_.Note(event, now);
  inventory.directories.insert(view.directories.begin(), view.directories.end());
  if (!view.status.ok()) {
    inventory.notes.push_back(
        absl::StrCat("errors of GPUs are not heard of: ", view.status.message()));
  } else if (!view.events_problem.empty()) {
    inventory.notes.push_back(view.events_problem);
  }
  const std::vector<CosGpu> gpus = ReadCosGpus(host_);
  const std::string problem =
      nvidia_.partition_size.empty() ? "" : PartitionProblem(gpus, nvidia_.partition_size);
  for (const CosGpu& gpu : gpus) {
    const std::string name = CosName(gpu.minor);
    if (nvidia_.partition_size.empty() || gpu.partitions.empty()) {
      Device device = MakeDevice({absl::StrCat("/dev/", name)}, controls, gpu);
      if (!problem.empty()) device.problem = problem;
      if (device.healthy()) device.problem = XidProblem(view, gpu.minor, nullptr);
      set.emplace(name, std::move(device));
      continue;
    }
    for (const CosPartition& partition : gpu.partitions) {
      Device device = MakeDevice(partition.nodes, controls, gpu);
      if (!partition.problem.empty()) device.problem = partition.problem;
      if (!problem.empty()) device.problem = problem;
      if (device.healthy()) device.problem = XidProblem(view, gpu.minor, &partition);
      set.emplace(CosPartitionName(gpu.minor, partition.gpu_instance), std::move(device));
    }
  }
  return inventory;
}

void CosGpuSource::Measure(const Measured& done) {
  driver_.Measure([done](const Gpus& gpus, std::vector<DeviceFigures> figures) {
    done(CosFigures(gpus, std::move(figures)));
  });
}

Device CosGpuSource::MakeDevice(const std::vector<std::string>& own,
                                const std::vector<std::string>& controls, const CosGpu& gpu) const {
  Device device;
  for (const auto* paths : {&own, &controls}) {
    for (const std::string& path : *paths) device.nodes.push_back({path, "", kPermissions});
  }
  for (const std::string& path : own) {
    if (device.healthy() && !Exists(host_, path)) {
      device.problem = absl::StrCat(path, ": ", std::strerror(ENOENT));
    }
  }
  const std::string root = DriverRootOf(nvidia_);
  device.mounts.push_back({root, kContainerDriver, /*read_only=*/true});
  if (Exists(host_, root + kVulkan)) {
    device.mounts.push_back({root + kVulkan, kContainerVulkan, /*read_only=*/true});
  }
  if (topology_ && !gpu.pci_bus_id.empty()) {
    device.numa_nodes = NumaNodesOfSysfs(host_, SysfsPathOf(gpu.pci_bus_id));
  }
  return device;
}

std::string CosGpuSource::XidProblem(const GpuDriver::View& view, unsigned minor,
                                     const CosPartition* partition) const {
  // One that the driver's library does not know is still among all GPUs.
  Gpu gpu;
  if (view.gpus) {
    const auto found = std::ranges::find(view.gpus->gpus, std::optional(minor), &Gpu::minor);
    if (found != view.gpus->gpus.end()) gpu = *found;
  }
  MigDevice mig;
  if (partition != nullptr) mig.gpu_instance = partition->gpu_instance;
  return xids_.ProblemOf(gpu, partition == nullptr ? nullptr : &mig, Clock::now());
}

}  // namespace nodedevice
