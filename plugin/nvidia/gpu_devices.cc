#include "plugin/nvidia/gpu_devices.h"

#include <algorithm>
#include <initializer_list>
#include <set>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "plugin/nvidia/gpu_cdi.h"
#include "plugin/nvidia/mig_profile.h"

namespace nodedevice {
namespace {

constexpr char kVisibleDevices[] = "NVIDIA_VISIBLE_DEVICES";
// Where the NVIDIA Container Runtime looks for the names of devices, and what it is told instead of
// a list.
constexpr char kDeviceListFolder[] = "/var/run/nvidia-container-devices";
constexpr char kPermissions[] = "rw";
constexpr std::string_view kNoMigWithMps =
    "MPS shares whole GPUs and this is a MIG device: share by time slicing, or switch MIG off";

class Maker {
 public:
  Maker(const std::string& resource, const Nvidia& nvidia, const GpuFiles& files,
        const GpuVerdict& verdict, GpuDevices& result)
      : resource_(resource), nvidia_(nvidia), files_(files), verdict_(verdict), result_(result) {}

  void AddGpu(const Gpu& gpu) {
    Device device;
    device.problem = gpu.problem.empty() ? verdict_(gpu, nullptr) : gpu.problem;
    Describe(gpu, nullptr, device);
    AddNodes(gpu, nullptr, device);
    result_.resources[resource_].emplace(gpu.uuid, std::move(device));
  }

  // `problem`: why none of the node's MIG devices may be given away.
  void AddMigDevices(const Gpu& gpu, const std::string& problem) {
    if (gpu.mig_devices.empty()) {
      Note(absl::StrCat("GPU ", gpu.index, " (", gpu.uuid, ") has MIG on and no MIG device"));
    }
    for (const MigDevice& mig : gpu.mig_devices) AddMig(gpu, mig, problem);
  }

  void Note(std::string note) { result_.notes.push_back(std::move(note)); }

 private:
  void AddMig(const Gpu& gpu, const MigDevice& mig, const std::string& problem) {
    const bool mixed = nvidia_.mig_strategy == Nvidia::MigStrategy::kMixed;
    if (mixed && !(IsWholeMigProfile(mig.profile) && !mig.profile.empty())) {
      Note(absl::StrCat("MIG device ", mig.uuid, " of GPU ", gpu.index, " is not announced: ",
                        mig.profile.empty() ? mig.problem
                                            : absl::StrCat("its profile ", mig.profile,
                                                           " shares its memory with others")));
      return;
    }
    Device device;
    device.problem = FirstOf(
        {problem, UsesMps(nvidia_) ? kNoMigWithMps : std::string_view(), gpu.problem, mig.problem});
    if (device.healthy()) device.problem = verdict_(gpu, &mig);
    Describe(gpu, &mig, device);
    AddNodes(gpu, &mig, device);
    result_.resources[mixed ? MigResourceName(resource_, mig.profile) : resource_].emplace(
        mig.uuid, std::move(device));
  }

  // The first that says something.
  static std::string FirstOf(std::initializer_list<std::string_view> problems) {
    for (const std::string_view problem : problems) {
      if (!problem.empty()) return std::string(problem);
    }
    return "";
  }

  void Describe(const Gpu& gpu, const MigDevice* mig, Device& device) const {
    if (const auto found = files_.numa_nodes.find(gpu.pci_bus_id);
        found != files_.numa_nodes.end()) {
      device.numa_nodes = found->second;
    }
    const std::string name = GpuName(nvidia_, gpu, mig);
    using Strategy = Nvidia::ListStrategy;
    if (Has(nvidia_, Strategy::kVolumeMounts)) {
      device.env_items.push_back({kVisibleDevices, kDeviceListFolder});
      device.mounts.push_back(
          {"/dev/null", absl::StrCat(kDeviceListFolder, "/", name), /*read_only=*/false});
    } else if (Has(nvidia_, Strategy::kEnvvar)) {
      device.env_items.push_back({kVisibleDevices, name});
    }
    if (GivesCdiNames(nvidia_)) {
      device.cdi.push_back(CdiName(kGpuCdiKind, name));
    }
  }

  // The device nodes, where the kubelet gives them. Where the CDI file does they must be known.
  void AddNodes(const Gpu& gpu, const MigDevice* mig, Device& device) const {
    const bool cdi = GivesCdiNames(nvidia_);
    if (!nvidia_.pass_device_specs && !cdi) return;
    std::vector<std::string> nodes = files_.controls;
    std::string problem;
    if (!gpu.minor) {
      problem = "the driver does not say which device node opens the GPU";
    } else {
      nodes.push_back(absl::StrCat("/dev/nvidia", *gpu.minor));
    }
    if (gpu.minor && mig != nullptr) {
      const auto caps = MigCapNodes(files_.mig_minors, *gpu.minor, *mig);
      nodes.insert(nodes.end(), caps.begin(), caps.end());
      if (caps.empty()) {
        problem = absl::StrCat(
            "/proc/driver/nvidia-caps/mig-minors does not say which device nodes "
            "open it (gpu",
            *gpu.minor, "/gi", mig->gpu_instance, "/ci", mig->compute_instance, ")");
      }
    }
    if (device.healthy()) device.problem = problem;
    if (!nvidia_.pass_device_specs) return;
    for (const std::string& node : nodes) device.nodes.push_back(GpuNode(files_, node));
  }

  const std::string& resource_;
  const Nvidia& nvidia_;
  const GpuFiles& files_;
  const GpuVerdict& verdict_;
  GpuDevices& result_;
};

// Why MIG devices cannot stand for GPUs on this node; empty: they can.
std::string Unlike(const Gpus& gpus) {
  std::set<std::string> kinds;
  for (const Gpu& gpu : gpus.gpus) {
    if (!gpu.mig) kinds.insert("a GPU without MIG");
    for (const MigDevice& mig : gpu.mig_devices) kinds.insert(mig.profile);
  }
  if (kinds.size() < 2) return "";
  return absl::StrCat(
      "migStrategy single needs the same MIG profile on all GPUs of the node, which "
      "has ",
      absl::StrJoin(kinds, ", "));
}

}  // namespace

GpuDevices MakeGpuDevices(const std::string& resource, const Nvidia& nvidia, const Gpus& gpus,
                          const GpuFiles& files, const GpuVerdict& verdict) {
  GpuDevices result;
  result.resources[resource];
  Maker maker(resource, nvidia, files, verdict, result);
  const bool any_mig = std::ranges::any_of(gpus.gpus, &Gpu::mig);
  const bool single = nvidia.mig_strategy == Nvidia::MigStrategy::kSingle && any_mig;
  const std::string problem = single ? Unlike(gpus) : "";
  for (const Gpu& gpu : gpus.gpus) {
    for (const std::string& note : gpu.notes) maker.Note(note);
    if (gpu.mig && nvidia.mig_strategy != Nvidia::MigStrategy::kNone) {
      maker.AddMigDevices(gpu, problem);
      continue;
    }
    if (gpu.mig) {
      maker.Note(absl::StrCat("GPU ", gpu.index, " (", gpu.uuid,
                              ") has MIG on and is announced as a whole; "
                              "migStrategy single or mixed announces its MIG devices"));
    }
    if (problem.empty()) {
      maker.AddGpu(gpu);
    } else {
      Gpu unlike = gpu;
      unlike.problem = problem;
      maker.AddGpu(unlike);
    }
  }
  return result;
}

DeviceNode GpuNode(const GpuFiles& files, const std::string& path) {
  return files.dev_root.empty() ? DeviceNode{path, "", kPermissions}
                                : DeviceNode{files.dev_root + path, path, kPermissions};
}

std::string GpuName(const Nvidia& nvidia, const Gpu& gpu, const MigDevice* mig) {
  if (nvidia.device_id_strategy == Nvidia::IdStrategy::kUuid) {
    return mig == nullptr ? gpu.uuid : mig->uuid;
  }
  return mig == nullptr ? absl::StrCat(gpu.index) : absl::StrCat(gpu.index, ":", mig->index);
}

std::string MigResourceName(const std::string& resource, const std::string& profile) {
  constexpr std::string_view kShared = ".shared";
  std::string name = absl::StrCat(resource.substr(0, resource.find('/')), "/mig-", profile);
  std::ranges::replace(name, '+', '.');
  if (resource.ends_with(kShared)) name += kShared;
  return name;
}

}  // namespace nodedevice
