#include "plugin/discovery/nvidia.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "lib/base/file.h"
#include "plugin/discovery/numa.h"
#include "plugin/discovery/pci_bus.h"
#include "plugin/nvidia/gpu_affinity.h"
#include "plugin/nvidia/gpu_cdi.h"
#include "plugin/nvidia/mps.h"

namespace nodedevice {
namespace {

constexpr const char* kControls[] = {"/dev/nvidiactl", "/dev/nvidia-uvm", "/dev/nvidia-uvm-tools",
                                     "/dev/nvidia-modeset"};
constexpr char kMigMinors[] = "/proc/driver/nvidia-caps/mig-minors";
constexpr std::size_t kMaxMigMinors = 1u << 20;

// The view as a problem of all devices; empty: there is none.
std::string ProblemOf(const GpuDriver::View& view, Duration silence, TimePoint now) {
  if (view.status.ok() || (view.silent_since && now - *view.silent_since < silence)) return "";
  return std::string(view.status.message());
}

}  // namespace

NvidiaSource::NvidiaSource(std::string resource, Nvidia nvidia, bool topology, const HostRoot& host,
                           Timing timing)
    : resource_(std::move(resource)),
      nvidia_(std::move(nvidia)),
      driver_root_(DriverRootOf(nvidia_)),
      topology_(topology),
      host_(host),
      silence_(timing.silence),
      xids_(nvidia_.xids),
      names_({resource_}),
      driver_(host_, driver_root_, timing.driver) {
  if (!nvidia_.config_file.empty()) config_file_.emplace(nvidia_, host_);
}

absl::StatusOr<Inventory> NvidiaSource::Scan() {
  const GpuDriver::View view = driver_.Look();
  const TimePoint now = Clock::now();
  for (const XidEvent& event : driver_.TakeXids()) xids_.Note(event, now);
  Inventory inventory;
  inventory.directories = view.directories;
  inventory.directories.insert(host_.Resolve("/dev"));
  if (!view.status.ok()) inventory.notes.emplace_back(view.status.message());
  const std::optional<NvidiaConfig> config = Config(inventory);
  if (config) {
    if (!GivesCdiNames(config->family)) {
      cdi_.reset();
    } else if (!cdi_) {
      cdi_.emplace(host_, resource_);
    }
  }
  if (view.gpus && config) AddGpus(view, *config, now, inventory);
  for (const std::string& name : names_) inventory.resources[name];
  return inventory;
}

void NvidiaSource::Measure(const Measured& done) {
  driver_.Measure([done](const Gpus&, std::vector<DeviceFigures> figures) {
    done(std::move(figures));  // its ids are ours
  });
}

std::optional<NvidiaConfig> NvidiaSource::Config(Inventory& inventory) {
  if (!config_file_) {
    NvidiaConfig config;
    config.family = nvidia_;
    return config;
  }
  NvidiaConfigFile::State state = config_file_->Read();
  inventory.directories.merge(state.directories);
  inventory.notes.insert(inventory.notes.end(), state.notes.begin(), state.notes.end());
  return std::move(state.config);
}

void NvidiaSource::AddGpus(const GpuDriver::View& view, const NvidiaConfig& config, TimePoint now,
                           Inventory& inventory) {
  const std::string problem = ProblemOf(view, silence_, now);
  const GpuFiles files = ReadFiles(*view.gpus);
  GpuDevices devices = MakeGpuDevices(
      resource_, config.family, *view.gpus, files, [&](const Gpu& gpu, const MigDevice* mig) {
        return problem.empty() ? xids_.ProblemOf(gpu, mig, now) : problem;
      });
  for (auto& [name, set] : devices.resources) {
    if (config.family.pass_device_specs) CheckNodes(set);
    AddResource(name, std::move(set), config, inventory);
  }
  for (const std::string& note : view.gpus->notes) inventory.notes.push_back(note);
  for (const std::string& note : devices.notes) inventory.notes.push_back(note);
  if (!view.events_problem.empty() &&
      std::ranges::find(inventory.notes, view.events_problem) == inventory.notes.end()) {
    inventory.notes.push_back(view.events_problem);
  }
  inventory.affinity = std::make_shared<const Affinity>(MakeGpuAffinity(*view.gpus));
  if (cdi_) WriteCdi(config.family, *view.gpus, files, inventory);
}

void NvidiaSource::AddResource(const std::string& name, DeviceSet set, const NvidiaConfig& config,
                               Inventory& inventory) {
  const GpuSharing* shared = SharingOf(config, name);
  const std::string& announced = shared == nullptr ? name : shared->announced_as;
  if (UsesMps(config.family)) {
    inventory.directories.merge(MpsDirectories(host_, config.family, announced));
    const std::string problem = set.empty() ? "" : MpsProblem(host_, config.family, announced);
    AddMps(config.family, announced, problem, set);
  }
  inventory.resources[announced] = std::move(set);
  names_.insert(announced);
  if (!config_file_) return;
  inventory.terms.emplace(announced,
                          ResourceTerms{.sharing = shared == nullptr ? Sharing() : shared->sharing,
                                        .preference = config.preference,
                                        .discovery = config.family});
}

GpuFiles NvidiaSource::ReadFiles(const Gpus& gpus) const {
  GpuFiles files;
  std::error_code error;
  if (driver_root_ != "/" &&
      std::filesystem::exists(host_.Resolve(driver_root_ + kControls[0]), error)) {
    files.dev_root = driver_root_;
  }
  for (const char* control : kControls) {
    if (std::filesystem::exists(host_.Resolve(files.dev_root + control), error)) {
      files.controls.emplace_back(control);
    }
  }
  files.mig_minors =
      ParseMigMinors(ReadFile(host_.Resolve(kMigMinors), kMaxMigMinors).value_or(""));
  if (!topology_) return files;
  for (const Gpu& gpu : gpus.gpus) {
    if (gpu.pci_bus_id.empty()) continue;
    files.numa_nodes.emplace(gpu.pci_bus_id, NumaNodesOfSysfs(host_, SysfsPathOf(gpu.pci_bus_id)));
  }
  return files;
}

void NvidiaSource::CheckNodes(DeviceSet& devices) const {
  for (auto& [id, device] : devices) {
    for (const DeviceNode& node : device.nodes) {
      struct stat info;
      if (!device.healthy() || ::lstat(host_.ResolveNative(node.host_path).c_str(), &info) == 0) {
        continue;
      }
      device.problem = absl::StrCat(node.host_path, ": ", std::strerror(errno));
    }
  }
}

void NvidiaSource::WriteCdi(const Nvidia& nvidia, const Gpus& gpus, const GpuFiles& files,
                            Inventory& inventory) {
  const DriverFiles driver = ReadDriverFiles(host_, driver_root_, gpus.driver_version);
  if (driver.hook.empty()) {
    inventory.notes.emplace_back(
        "nvidia-ctk is not on this node: a container finds the driver's libraries only where its "
        "own distribution looks for libraries");
  }
  const absl::Status written = cdi_->Write(MakeGpuCdi(nvidia, gpus, files, driver));
  if (written.ok()) return;
  // A container runtime that does not know the names refuses the container.
  const std::string problem = absl::StrCat("the CDI file is not written: ", written.message());
  for (auto& [name, set] : inventory.resources) {
    for (auto& [id, device] : set) {
      if (device.healthy()) device.problem = problem;
    }
  }
}

}  // namespace nodedevice
