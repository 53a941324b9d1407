#include <dlfcn.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_join.h"
#include "plugin/nvidia/mig_profile.h"
#include "plugin/nvidia/nvml.h"
#include "plugin/nvidia/nvml_abi.h"
#include "plugin/nvidia/nvml_figures.h"

namespace nodedevice {
namespace {

using nvml::Device;
using nvml::Return;

// A loaded library and the functions found in it.
class Functions {
 public:
  explicit Functions(void* handle) : handle_(handle) {}
  ~Functions() { ::dlclose(handle_); }
  Functions(const Functions&) = delete;
  Functions& operator=(const Functions&) = delete;

  template <typename Function>
  void Find(const char* name, Function*& function) {
    function = reinterpret_cast<Function*>(::dlsym(handle_, name));
    if (function == nullptr) missing_.emplace_back(name);
  }
  // The names that were not found since the last call.
  std::vector<std::string> TakeMissing() { return std::exchange(missing_, {}); }

 private:
  void* handle_;
  std::vector<std::string> missing_;
};

// "00000000:3B:00.0" -> "0000:3b:00.0"
std::string SysfsBusId(std::string_view id) {
  constexpr std::string_view kLongDomain = "0000";
  const std::size_t colon = id.find(':');
  if (colon == 8 && id.starts_with(kLongDomain)) id.remove_prefix(kLongDomain.size());
  return absl::AsciiStrToLower(absl::string_view(id.data(), id.size()));
}

template <std::size_t kSize>
std::string TextOf(const char (&text)[kSize]) {
  return std::string(text, ::strnlen(text, kSize));
}
template <std::size_t kSize>
std::string TextOf(const std::array<char, kSize>& text) {
  return std::string(text.data(), ::strnlen(text.data(), kSize));
}

std::optional<GpuPair::Level> LevelOf(int level) {
  switch (level) {
    case nvml::kSameBoard:
      return GpuPair::Level::kSameBoard;
    case nvml::kSingleSwitch:
      return GpuPair::Level::kSingleSwitch;
    case nvml::kMultipleSwitches:
      return GpuPair::Level::kMultipleSwitches;
    case nvml::kHostBridge:
      return GpuPair::Level::kHostBridge;
    case nvml::kSameNode:
      return GpuPair::Level::kSameCpu;
    case nvml::kAcrossNodes:
      return GpuPair::Level::kSystem;
    default:
      return std::nullopt;
  }
}

}  // namespace

struct Nvml::Impl {
  explicit Impl(void* handle) : functions(handle) {}
  ~Impl() {
    if (events != nullptr) event_set_free(events);
    if (initialised) shutdown();
  }

  absl::Status FindFunctions();
  absl::Status ErrorOf(const char* function, Return result) const;
  void PrepareEvents();
  // Adds "<function>: <why>" to the problem when the call failed.
  void Check(const char* function, Return result, std::string& problem) const;
  Gpu LookAt(Device device, int index) const;
  void LookAtMig(Device device, Gpu& gpu) const;
  MigDevice LookAtMigDevice(Device device, Device mig) const;
  std::string ProfileOf(Device device, Device mig, std::string& problem) const;
  std::string UuidOf(Device device) const;  // empty: not known
  std::vector<Device> MigDevicesOf(Device device) const;
  // How many NVLinks lead from the GPU to each other one, by PCI bus id.
  std::map<std::string, int> LinksOf(Device device) const;
  std::vector<GpuPair> Pairs(const std::vector<Gpu>& gpus,
                             const std::vector<Device>& devices) const;

  Functions functions;
  bool initialised = false;
  nvml::EventSet events = nullptr;
  std::string events_problem;
  std::vector<std::string> too_old;  // what the library lacks, in sentences

  // Everything needs these.
  Return (*init)() = nullptr;
  Return (*shutdown)() = nullptr;
  const char* (*error_string)(Return) = nullptr;
  Return (*get_count)(unsigned*) = nullptr;
  Return (*get_handle)(unsigned, Device*) = nullptr;
  Return (*get_uuid)(Device, char*, unsigned) = nullptr;
  Return (*get_minor)(Device, unsigned*) = nullptr;
  Return (*get_pci_info)(Device, nvml::PciInfo*) = nullptr;
  // All of a group or none.
  Return (*get_mig_mode)(Device, unsigned*, unsigned*) = nullptr;
  Return (*get_max_mig_devices)(Device, unsigned*) = nullptr;
  Return (*get_mig_handle)(Device, unsigned, Device*) = nullptr;
  Return (*get_gpu_instance)(Device, unsigned*) = nullptr;
  Return (*get_compute_instance)(Device, unsigned*) = nullptr;
  Return (*get_name)(Device, char*, unsigned) = nullptr;
  Return (*get_attributes)(Device, nvml::DeviceAttributes*) = nullptr;
  Return (*get_memory)(Device, nvml::Memory*) = nullptr;

  NvmlFigures figures;

  Return (*get_driver_version)(char*, unsigned) = nullptr;

  Return (*get_ancestor)(Device, Device, int*) = nullptr;
  Return (*get_link_state)(Device, unsigned, unsigned*) = nullptr;
  Return (*get_link_remote)(Device, unsigned, nvml::PciInfo*) = nullptr;

  Return (*event_set_create)(nvml::EventSet*) = nullptr;
  Return (*event_set_free)(nvml::EventSet) = nullptr;
  Return (*register_events)(Device, unsigned long long, nvml::EventSet) = nullptr;
  Return (*wait_for_event)(nvml::EventSet, nvml::EventData*, unsigned) = nullptr;
};

absl::Status Nvml::Impl::FindFunctions() {
  functions.Find("nvmlInit_v2", init);
  functions.Find("nvmlShutdown", shutdown);
  functions.Find("nvmlErrorString", error_string);
  functions.Find("nvmlDeviceGetCount_v2", get_count);
  functions.Find("nvmlDeviceGetHandleByIndex_v2", get_handle);
  functions.Find("nvmlDeviceGetUUID", get_uuid);
  functions.Find("nvmlDeviceGetMinorNumber", get_minor);
  functions.Find("nvmlDeviceGetPciInfo_v3", get_pci_info);
  if (const auto missing = functions.TakeMissing(); !missing.empty()) {
    return absl::UnimplementedError(absl::StrCat("it lacks ", absl::StrJoin(missing, ", "),
                                                 "; the driver is too old, or this is not its "
                                                 "library"));
  }
  const auto group = [this](const char* what) {
    const auto missing = functions.TakeMissing();
    if (missing.empty()) return true;
    too_old.push_back(absl::StrCat("the driver's library is too old for ", what, ": it lacks ",
                                   absl::StrJoin(missing, ", ")));
    return false;
  };
  functions.Find("nvmlDeviceGetMigMode", get_mig_mode);
  functions.Find("nvmlDeviceGetMaxMigDeviceCount", get_max_mig_devices);
  functions.Find("nvmlDeviceGetMigDeviceHandleByIndex", get_mig_handle);
  functions.Find("nvmlDeviceGetGpuInstanceId", get_gpu_instance);
  functions.Find("nvmlDeviceGetComputeInstanceId", get_compute_instance);
  functions.Find("nvmlDeviceGetName", get_name);
  functions.Find("nvmlDeviceGetAttributes_v2", get_attributes);
  functions.Find("nvmlDeviceGetMemoryInfo", get_memory);
  if (!group("MIG devices")) get_mig_mode = nullptr;
  figures.get_memory = get_memory;
  functions.Find("nvmlDeviceGetSamples", figures.get_samples);
  functions.Find("nvmlDeviceGetUtilizationRates", figures.get_utilization);
  functions.TakeMissing();  // a figure that is not there is nothing to tell of
  functions.Find("nvmlSystemGetDriverVersion", get_driver_version);
  group("its version");
  functions.Find("nvmlDeviceGetTopologyCommonAncestor", get_ancestor);
  functions.Find("nvmlDeviceGetNvLinkState", get_link_state);
  functions.Find("nvmlDeviceGetNvLinkRemotePciInfo_v2", get_link_remote);
  if (!group("how near GPUs are to each other")) get_ancestor = nullptr;
  functions.Find("nvmlEventSetCreate", event_set_create);
  functions.Find("nvmlEventSetFree", event_set_free);
  functions.Find("nvmlDeviceRegisterEvents", register_events);
  functions.Find("nvmlEventSetWait_v2", wait_for_event);
  if (!group("its errors (XIDs)")) {
    event_set_create = nullptr;
    events_problem = too_old.back();
  }
  return absl::OkStatus();
}

absl::Status Nvml::Impl::ErrorOf(const char* function, Return result) const {
  if (result == nvml::kSuccess) return absl::OkStatus();
  const char* text = error_string(result);
  return absl::UnavailableError(
      absl::StrCat(function, ": ", text == nullptr ? "an unknown error" : text, " (", result, ")"));
}

void Nvml::Impl::Check(const char* function, Return result, std::string& problem) const {
  const absl::Status status = ErrorOf(function, result);
  if (status.ok()) return;
  absl::StrAppend(&problem, problem.empty() ? "" : "; ", status.message());
}

void Nvml::Impl::PrepareEvents() {
  if (event_set_create == nullptr) return;
  const absl::Status created = ErrorOf("nvmlEventSetCreate", event_set_create(&events));
  if (!created.ok()) {
    events = nullptr;
    events_problem = std::string(created.message());
    return;
  }
  unsigned count = 0;
  unsigned registered = 0;
  if (get_count(&count) != nvml::kSuccess) count = 0;
  for (unsigned i = 0; i < count; ++i) {
    Device device = nullptr;
    if (get_handle(i, &device) != nvml::kSuccess) continue;
    const absl::Status told =
        ErrorOf("nvmlDeviceRegisterEvents", register_events(device, nvml::kEventXid, events));
    if (told.ok()) {
      ++registered;
      continue;
    }
    absl::StrAppend(&events_problem, events_problem.empty() ? "" : "; ",
                    "the driver will not tell of errors of GPU ", i, ": ", told.message());
  }
  if (registered == 0) {
    event_set_free(events);
    events = nullptr;
  }
}

std::string Nvml::Impl::ProfileOf(Device device, Device mig, std::string& problem) const {
  std::array<char, nvml::kTextSize> name = {};
  if (get_name(mig, name.data(), name.size()) == nvml::kSuccess) {
    if (auto profile = MigProfileOfName(TextOf(name))) return *std::move(profile);
  }
  nvml::DeviceAttributes attributes = {};
  nvml::Memory memory = {};
  const Return got_attributes = get_attributes(mig, &attributes);
  const Return got_memory = get_memory(device, &memory);
  Check("nvmlDeviceGetAttributes_v2", got_attributes, problem);
  Check("nvmlDeviceGetMemoryInfo", got_memory, problem);
  if (got_attributes != nvml::kSuccess || got_memory != nvml::kSuccess) return "";
  return MigProfileOf(attributes.compute_instance_slices, attributes.gpu_instance_slices,
                      attributes.memory_mib, memory.total);
}

MigDevice Nvml::Impl::LookAtMigDevice(Device device, Device mig) const {
  MigDevice found;
  Check("nvmlDeviceGetGpuInstanceId", get_gpu_instance(mig, &found.gpu_instance), found.problem);
  Check("nvmlDeviceGetComputeInstanceId", get_compute_instance(mig, &found.compute_instance),
        found.problem);
  found.profile = ProfileOf(device, mig, found.problem);
  return found;
}

void Nvml::Impl::LookAtMig(Device device, Gpu& gpu) const {
  if (get_mig_mode == nullptr) return;
  unsigned current = 0;
  unsigned pending = 0;
  const Return mode = get_mig_mode(device, &current, &pending);
  if (mode == nvml::kNotSupported) return;
  Check("nvmlDeviceGetMigMode", mode, gpu.problem);
  if (mode != nvml::kSuccess || current != nvml::kMigEnabled) return;
  gpu.mig = true;
  unsigned most = 0;
  Check("nvmlDeviceGetMaxMigDeviceCount", get_max_mig_devices(device, &most), gpu.problem);
  for (unsigned i = 0; i < most; ++i) {
    Device mig = nullptr;
    const Return result = get_mig_handle(device, i, &mig);
    if (result == nvml::kNotFound) continue;
    std::string problem;
    std::array<char, nvml::kTextSize> uuid = {};
    Check("nvmlDeviceGetMigDeviceHandleByIndex", result, problem);
    if (result == nvml::kSuccess) {
      Check("nvmlDeviceGetUUID", get_uuid(mig, uuid.data(), uuid.size()), problem);
    }
    if (!problem.empty()) {
      gpu.notes.push_back(absl::StrCat("MIG device ", gpu.index, ":", i, ": ", problem));
      continue;
    }
    gpu.mig_devices.push_back(LookAtMigDevice(device, mig));
    gpu.mig_devices.back().uuid = TextOf(uuid);
    gpu.mig_devices.back().index = static_cast<int>(i);
  }
}

Gpu Nvml::Impl::LookAt(Device device, int index) const {
  Gpu gpu;
  gpu.index = index;
  unsigned minor = 0;
  const Return got_minor = get_minor(device, &minor);
  if (got_minor != nvml::kNotSupported) {
    Check("nvmlDeviceGetMinorNumber", got_minor, gpu.problem);
  }
  if (got_minor == nvml::kSuccess) gpu.minor = minor;
  nvml::PciInfo pci = {};
  const Return got_pci = get_pci_info(device, &pci);
  Check("nvmlDeviceGetPciInfo_v3", got_pci, gpu.problem);
  if (got_pci == nvml::kSuccess) gpu.pci_bus_id = SysfsBusId(TextOf(pci.bus_id));
  LookAtMig(device, gpu);
  return gpu;
}

std::string Nvml::Impl::UuidOf(Device device) const {
  std::array<char, nvml::kTextSize> uuid = {};
  const bool known = get_uuid(device, uuid.data(), uuid.size()) == nvml::kSuccess;
  return known ? TextOf(uuid) : "";
}

std::vector<Device> Nvml::Impl::MigDevicesOf(Device device) const {
  std::vector<Device> found;
  unsigned current = 0;
  unsigned pending = 0;
  unsigned most = 0;
  if (get_mig_mode == nullptr || get_mig_mode(device, &current, &pending) != nvml::kSuccess ||
      current != nvml::kMigEnabled || get_max_mig_devices(device, &most) != nvml::kSuccess) {
    return found;
  }
  for (unsigned i = 0; i < most; ++i) {
    Device mig = nullptr;
    if (get_mig_handle(device, i, &mig) == nvml::kSuccess) found.push_back(mig);
  }
  return found;
}

std::map<std::string, int> Nvml::Impl::LinksOf(Device device) const {
  std::map<std::string, int> links;
  for (unsigned link = 0; link < nvml::kMaxLinks; ++link) {
    unsigned state = 0;
    nvml::PciInfo remote = {};
    // What has fewer links, or none at all, says so with an error.
    if (get_link_state(device, link, &state) != nvml::kSuccess || state != nvml::kLinkActive) {
      continue;
    }
    if (get_link_remote(device, link, &remote) != nvml::kSuccess) continue;
    ++links[SysfsBusId(TextOf(remote.bus_id))];
  }
  return links;
}

std::vector<GpuPair> Nvml::Impl::Pairs(const std::vector<Gpu>& gpus,
                                       const std::vector<Device>& devices) const {
  std::vector<GpuPair> pairs;
  if (get_ancestor == nullptr) return pairs;
  for (std::size_t a = 0; a < gpus.size(); ++a) {
    const std::map<std::string, int> links = LinksOf(devices[a]);
    for (std::size_t b = a + 1; b < gpus.size(); ++b) {
      int ancestor = 0;
      if (get_ancestor(devices[a], devices[b], &ancestor) != nvml::kSuccess) continue;
      const auto level = LevelOf(ancestor);
      if (!level) continue;
      const auto linked = links.find(gpus[b].pci_bus_id);
      pairs.push_back({.first = a,
                       .second = b,
                       .level = *level,
                       .links = linked == links.end() ? 0 : linked->second});
    }
  }
  return pairs;
}

Nvml::Nvml(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Nvml::~Nvml() = default;

absl::StatusOr<std::unique_ptr<Nvml>> Nvml::Load(const std::filesystem::path& library) {
  void* handle = ::dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    const char* why = ::dlerror();
    return absl::UnavailableError(
        absl::StrCat(library.native(), " cannot be loaded: ", why == nullptr ? "unknown" : why));
  }
  auto impl = std::make_unique<Impl>(handle);
  RETURN_IF_ERROR(Annotate(impl->FindFunctions(), library.native()));
  RETURN_IF_ERROR(Annotate(impl->ErrorOf("nvmlInit_v2", impl->init()), library.native()));
  impl->initialised = true;
  impl->PrepareEvents();
  return std::unique_ptr<Nvml>(new Nvml(std::move(impl)));
}

absl::StatusOr<Gpus> Nvml::Look() {
  Gpus found;
  found.notes = impl_->too_old;
  unsigned count = 0;
  RETURN_IF_ERROR(impl_->ErrorOf("nvmlDeviceGetCount_v2", impl_->get_count(&count)));
  if (std::array<char, nvml::kTextSize> version = {};
      impl_->get_driver_version != nullptr &&
      impl_->get_driver_version(version.data(), version.size()) == nvml::kSuccess) {
    found.driver_version = TextOf(version);
  }
  std::vector<Device> devices;
  for (unsigned i = 0; i < count; ++i) {
    Device device = nullptr;
    std::array<char, nvml::kTextSize> uuid = {};
    std::string problem;
    const Return result = impl_->get_handle(i, &device);
    impl_->Check("nvmlDeviceGetHandleByIndex_v2", result, problem);
    if (result == nvml::kSuccess) {
      impl_->Check("nvmlDeviceGetUUID", impl_->get_uuid(device, uuid.data(), uuid.size()), problem);
    }
    if (!problem.empty()) {
      found.notes.push_back(absl::StrCat("GPU ", i, ": ", problem));
      found.complete = false;
      continue;
    }
    Gpu gpu = impl_->LookAt(device, static_cast<int>(i));
    gpu.uuid = TextOf(uuid);
    found.gpus.push_back(std::move(gpu));
    devices.push_back(device);
  }
  found.pairs = impl_->Pairs(found.gpus, devices);
  return found;
}

std::vector<DeviceFigures> Nvml::Measure() {
  std::vector<DeviceFigures> all;
  const auto add = [&](Device device, bool mig) {
    DeviceFigures figures = impl_->figures.Of(device, mig);
    figures.id = impl_->UuidOf(device);
    if (!figures.id.empty() && (figures.duty_cycle_percent || figures.memory_total_bytes)) {
      all.push_back(std::move(figures));
    }
  };
  unsigned count = 0;
  if (impl_->get_count(&count) != nvml::kSuccess) return all;
  for (unsigned i = 0; i < count; ++i) {
    Device device = nullptr;
    if (impl_->get_handle(i, &device) != nvml::kSuccess) continue;
    add(device, /*mig=*/false);
    for (Device mig : impl_->MigDevicesOf(device)) add(mig, /*mig=*/true);
  }
  return all;
}

bool Nvml::has_events() const { return impl_->events != nullptr; }

const std::string& Nvml::events_problem() const { return impl_->events_problem; }

absl::StatusOr<std::optional<XidEvent>> Nvml::WaitForXid(std::chrono::milliseconds patience) {
  if (impl_->events == nullptr) return absl::UnavailableError(impl_->events_problem);
  nvml::EventData data = {};
  const Return result =
      impl_->wait_for_event(impl_->events, &data, static_cast<unsigned>(patience.count()));
  if (result == nvml::kTimeout) return std::nullopt;
  RETURN_IF_ERROR(impl_->ErrorOf("nvmlEventSetWait_v2", result));
  if (data.type != nvml::kEventXid) return std::nullopt;
  XidEvent event;
  event.xid = data.data;
  if (data.device != nullptr) event.uuid = impl_->UuidOf(data.device);
  if (data.gpu_instance != nvml::kNoInstance) event.gpu_instance = data.gpu_instance;
  if (data.compute_instance != nvml::kNoInstance) event.compute_instance = data.compute_instance;
  return std::optional<XidEvent>(std::move(event));
}

}  // namespace nodedevice
