// Plays libnvidia-ml.so.1: GPUs, MIG devices, NVLinks and errors as a file beside this library
// tells, fake-nvml.json, which is read anew whenever the GPUs are counted.
//
//   {"gpus": [{"uuid": "GPU-0", "minor": 0, "busId": "00000000:3B:00.0", "memory": 42949672960,
//              "used": 1073741824, "utilization": 40, "samples": [35, 45], "compute": [8, 0],
//              "mig": [{"uuid": "MIG-0", "gi": 1, "ci": 0, "name": "... MIG 1g.5gb"}],
//              "near": {"GPU-1": 10}, "links": ["GPU-1", "GPU-1"]}],
//    "errors": {"nvmlInit_v2": 9, "nvmlDeviceGetUUID GPU-0": 15},
//    "blocked": ["nvmlDeviceGetCount_v2"],
//    "events": [{"uuid": "GPU-0", "xid": 79, "gi": 1, "ci": 0}]}
//
// A GPU without "mig" cannot do MIG. Events are given out once each, in their order, also those
// that are added later. A function stays blocked until the file no longer says so. It has what our
// plugin asks, and what NVIDIA's own asks besides.

#include <dlfcn.h>
#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <fstream>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "nlohmann/json.hpp"
#include "plugin/nvidia/nvml_abi.h"

namespace nodedevice::nvml {
namespace {

using nlohmann::json;

constexpr Return kUninitialized = 1;
[[maybe_unused]] constexpr Return kInvalidArgument = 2;  // an old library never says so
constexpr Return kInsufficientSize = 7;

std::mutex mutex;
int initialised = 0;         // guarded by mutex; each nvmlInit has its nvmlShutdown
json told = json::object();  // guarded by mutex; what the file said when the GPUs were counted last

std::string Folder() {
  Dl_info info = {};
  ::dladdr(reinterpret_cast<void*>(&Folder), &info);
  const std::string path = info.dli_fname;
  return path.substr(0, path.rfind('/'));
}

json Read() {
  std::ifstream file(Folder() + "/fake-nvml.json");
  json read = json::parse(file, nullptr, /*allow_exceptions=*/false);
  return read.is_object() ? read : json::object();
}

// Changes of the folder of this library.
class Changes {
 public:
  Changes() : fd_(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) {
    ::inotify_add_watch(fd_, Folder().c_str(), IN_CLOSE_WRITE | IN_MOVED_TO);
  }
  ~Changes() { ::close(fd_); }
  // Returns at a change or after the time.
  void Wait(std::chrono::milliseconds patience) const {
    pollfd waiting = {fd_, POLLIN, 0};
    ::poll(&waiting, 1, static_cast<int>(patience.count()));
    char events[4096];
    while (::read(fd_, events, sizeof(events)) > 0) {
    }
  }

 private:
  int fd_;
};

// What the file wants of this call: blocks, and then an error or success.
Return Obey(const std::string& function, const std::string& uuid = "") {
  json now = Read();
  const auto blocked = [&] {
    const json names = now.value("blocked", json::array());
    return std::find(names.begin(), names.end(), function) != names.end();
  };
  if (blocked()) {
    // Only now: to watch a folder costs more than what is usually asked.
    const Changes changes;
    for (now = Read(); blocked(); now = Read()) changes.Wait(std::chrono::minutes(1));
  }
  const json errors = now.value("errors", json::object());
  const Return general = errors.value(function, kSuccess);
  return general != kSuccess || uuid.empty() ? general
                                             : errors.value(function + " " + uuid, kSuccess);
}

// A handle is made of where its device stands: 1 + GPU, and 1 + MIG device above it.
struct Place {
  std::size_t gpu;
  std::optional<std::size_t> mig;
};
constexpr std::uintptr_t kMigStep = 1000;

Device HandleOf(std::size_t gpu, std::optional<std::size_t> mig) {
  return reinterpret_cast<Device>(1 + gpu + (mig ? (1 + *mig) * kMigStep : 0));
}
Place PlaceOf(Device device) {
  const auto number = reinterpret_cast<std::uintptr_t>(device);
  Place place = {.gpu = number % kMigStep - 1, .mig = std::nullopt};
  if (number >= kMigStep) place.mig = number / kMigStep - 1;
  return place;
}

// The GPU or MIG device as the file has it; an empty object when it is not there.
json Told(Device device) {
  const std::lock_guard<std::mutex> lock(mutex);
  const Place place = PlaceOf(device);
  const json gpus = told.value("gpus", json::array());
  if (place.gpu >= gpus.size()) return json::object();
  if (!place.mig) return gpus[place.gpu];
  const json migs = gpus[place.gpu].value("mig", json::array());
  return *place.mig < migs.size() ? migs[*place.mig] : json::object();
}
std::string UuidOf(Device device) { return Told(device).value("uuid", ""); }

Return Copy(const std::string& text, char* to, unsigned size) {
  if (text.size() >= size) return kInsufficientSize;
  std::memcpy(to, text.c_str(), text.size() + 1);
  return kSuccess;
}

template <typename Number>
Return NumberOf(const char* function, Device device, const char* key, Number* number) {
  if (const Return wanted = Obey(function, UuidOf(device)); wanted != kSuccess) return wanted;
  const json of = Told(device);
  if (!of.contains(key)) return kNotSupported;
  *number = of[key].get<Number>();
  return kSuccess;
}

void SetBusId(const std::string& id, PciInfo* info) {
  *info = {};
  std::strncpy(info->bus_id, id.c_str(), sizeof(info->bus_id) - 1);
}

}  // namespace
}  // namespace nodedevice::nvml

using namespace nodedevice::nvml;  // NOLINT: what follows are the library's own, global names

extern "C" {

Return nvmlInit_v2() {
  if (const Return wanted = Obey(__func__); wanted != kSuccess) return wanted;
  const std::lock_guard<std::mutex> lock(mutex);
  ++initialised;
  told = Read();
  return kSuccess;
}

Return nvmlShutdown() {
  const std::lock_guard<std::mutex> lock(mutex);
  if (initialised == 0) return kUninitialized;
  --initialised;
  return kSuccess;
}

const char* nvmlErrorString(Return result) {
  switch (result) {
    case kSuccess:
      return "Success";
    case kUninitialized:
      return "Uninitialized";
    case kNotSupported:
      return "Not Supported";
    case 9:
      return "Driver Not Loaded";
    case kTimeout:
      return "Timeout";
    case 15:
      return "GPU is lost";
    default:
      return "Unknown Error";
  }
}

Return nvmlDeviceGetCount_v2(unsigned* count) {
  if (const Return wanted = Obey(__func__); wanted != kSuccess) return wanted;
  const std::lock_guard<std::mutex> lock(mutex);
  if (initialised == 0) return kUninitialized;
  told = Read();
  *count = static_cast<unsigned>(told.value("gpus", json::array()).size());
  return kSuccess;
}

Return nvmlDeviceGetHandleByIndex_v2(unsigned index, Device* device) {
  *device = HandleOf(index, std::nullopt);
  const std::string uuid = UuidOf(*device);
  if (uuid.empty()) return kNotFound;
  return Obey(__func__, uuid);
}

// A GPU, or a MIG device.
Return nvmlDeviceGetHandleByUUID(const char* uuid, Device* device) {
  for (std::size_t gpu = 0; !UuidOf(HandleOf(gpu, std::nullopt)).empty(); ++gpu) {
    *device = HandleOf(gpu, std::nullopt);
    if (UuidOf(*device) == uuid) return Obey(__func__, uuid);
    for (std::size_t mig = 0; !UuidOf(HandleOf(gpu, mig)).empty(); ++mig) {
      *device = HandleOf(gpu, mig);
      if (UuidOf(*device) == uuid) return Obey(__func__, uuid);
    }
  }
  return kNotFound;
}

Return nvmlDeviceGetCudaComputeCapability(Device device, int* major, int* minor) {
  if (const Return wanted = Obey(__func__, UuidOf(device)); wanted != kSuccess) return wanted;
  const json capability = Told(device).value("compute", json::array({8, 0}));
  *major = capability[0].get<int>();
  *minor = capability[1].get<int>();
  return kSuccess;
}

Return nvmlDeviceGetUUID(Device device, char* uuid, unsigned size) {
  const std::string text = UuidOf(device);
  if (const Return wanted = Obey(__func__, text); wanted != kSuccess) return wanted;
  return Copy(text, uuid, size);
}

Return nvmlDeviceGetMinorNumber(Device device, unsigned* minor) {
  return NumberOf(__func__, device, "minor", minor);
}

Return nvmlDeviceGetUtilizationRates(Device device, Utilization* utilization) {
  *utilization = {};
  return NumberOf(__func__, device, "utilization", &utilization->gpu);
}

Return nvmlDeviceGetPciInfo_v3(Device device, PciInfo* info) {
  if (const Return wanted = Obey(__func__, UuidOf(device)); wanted != kSuccess) return wanted;
  SetBusId(Told(device).value("busId", ""), info);
  return kSuccess;
}

#ifndef FAKE_NVML_IS_OLD

Return nvmlSystemGetDriverVersion(char* version, unsigned size) {
  if (const Return wanted = Obey(__func__); wanted != kSuccess) return wanted;
  return Copy(Read().value("version", "535.104.05"), version, size);
}

Return nvmlDeviceGetMigMode(Device device, unsigned* current, unsigned* pending) {
  if (const Return wanted = Obey(__func__, UuidOf(device)); wanted != kSuccess) return wanted;
  if (!Told(device).contains("mig")) return kNotSupported;
  *current = *pending = kMigEnabled;
  return kSuccess;
}

Return nvmlDeviceGetMaxMigDeviceCount(Device, unsigned* count) {
  *count = 7;
  return Obey(__func__);
}

Return nvmlDeviceGetMigDeviceHandleByIndex(Device device, unsigned index, Device* mig) {
  const Device handle = HandleOf(PlaceOf(device).gpu, index);
  if (UuidOf(handle).empty()) return kNotFound;
  *mig = handle;
  return Obey(__func__, UuidOf(handle));
}

Return nvmlDeviceGetDeviceHandleFromMigDeviceHandle(Device mig, Device* device) {
  const Place place = PlaceOf(mig);
  if (!place.mig) return kInvalidArgument;
  *device = HandleOf(place.gpu, std::nullopt);
  return Obey(__func__, UuidOf(mig));
}

Return nvmlDeviceGetGpuInstanceId(Device device, unsigned* id) {
  return NumberOf(__func__, device, "gi", id);
}

Return nvmlDeviceGetComputeInstanceId(Device device, unsigned* id) {
  return NumberOf(__func__, device, "ci", id);
}

Return nvmlDeviceGetName(Device device, char* name, unsigned size) {
  if (const Return wanted = Obey(__func__, UuidOf(device)); wanted != kSuccess) return wanted;
  return Copy(Told(device).value("name", "NVIDIA Test"), name, size);
}

Return nvmlDeviceGetAttributes_v2(Device device, DeviceAttributes* attributes) {
  if (const Return wanted = Obey(__func__, UuidOf(device)); wanted != kSuccess) return wanted;
  const json of = Told(device);
  *attributes = {};
  attributes->gpu_instance_slices = of.value("gpuSlices", 0u);
  attributes->compute_instance_slices = of.value("computeSlices", 0u);
  attributes->memory_mib = of.value("memoryMiB", 0ull);
  return kSuccess;
}

Return nvmlDeviceGetMemoryInfo(Device device, Memory* memory) {
  *memory = {};
  memory->used = Told(device).value("used", 0ull);
  return NumberOf(__func__, device, "memory", &memory->total);
}

Return nvmlDeviceGetSamples(Device device, int kind, unsigned long long, int* type, unsigned* count,
                            Sample* samples) {
  if (const Return wanted = Obey(__func__, UuidOf(device)); wanted != kSuccess) return wanted;
  const json told_samples = Told(device).value("samples", json::array());
  if (kind != kGpuUtilizationSamples || told_samples.empty()) return kNotSupported;
  *type = kUnsignedInt;
  const auto room = samples == nullptr ? static_cast<unsigned>(told_samples.size()) : *count;
  if (room < told_samples.size()) return kInsufficientSize;
  *count = static_cast<unsigned>(told_samples.size());
  for (unsigned i = 0; samples != nullptr && i < *count; ++i) {
    samples[i] = {};
    samples[i].value.number = told_samples[i].get<unsigned>();
  }
  return kSuccess;
}

Return nvmlDeviceGetTopologyCommonAncestor(Device one, Device other, int* level) {
  if (const Return wanted = Obey(__func__, UuidOf(one)); wanted != kSuccess) return wanted;
  const json near = Told(one).value("near", json::object());
  if (!near.contains(UuidOf(other))) return kNotSupported;
  *level = near[UuidOf(other)].get<int>();
  return kSuccess;
}

Return nvmlDeviceGetNvLinkState(Device device, unsigned link, unsigned* state) {
  const json links = Told(device).value("links", json::array());
  if (link >= links.size()) return kNotSupported;
  *state = links[link] == "" ? 0 : kLinkActive;
  return Obey(__func__, UuidOf(device));
}

Return nvmlDeviceGetNvLinkRemotePciInfo_v2(Device device, unsigned link, PciInfo* info) {
  const std::string other = Told(device)["links"][link];
  for (std::size_t gpu = 0; !UuidOf(HandleOf(gpu, std::nullopt)).empty(); ++gpu) {
    const Device handle = HandleOf(gpu, std::nullopt);
    if (UuidOf(handle) == other) SetBusId(Told(handle).value("busId", ""), info);
  }
  return Obey(__func__, UuidOf(device));
}

Return nvmlEventSetCreate(EventSet* set) {
  static int only = 0;
  *set = &only;
  return Obey(__func__);
}

Return nvmlEventSetFree(EventSet) { return kSuccess; }

Return nvmlDeviceGetSupportedEventTypes(Device device, unsigned long long* types) {
  *types = kEventXid;
  return Obey(__func__, UuidOf(device));
}

Return nvmlDeviceRegisterEvents(Device device, unsigned long long, EventSet) {
  return Obey(__func__, UuidOf(device));
}

Return nvmlEventSetWait_v2(EventSet, EventData* data, unsigned timeout_ms) {
  static std::size_t events_given = 0;  // guarded by mutex
  using Clock = std::chrono::steady_clock;
  const auto end = Clock::now() + std::chrono::milliseconds(timeout_ms);
  const Changes changes;
  for (;;) {
    if (const Return wanted = Obey(__func__); wanted != kSuccess) return wanted;
    const json events = Read().value("events", json::array());
    {
      const std::lock_guard<std::mutex> lock(mutex);
      if (events_given < events.size()) {
        const json event = events[events_given++];
        *data = {};
        data->type = event.value("type", kEventXid);
        data->data = event.value("xid", 0ull);
        data->gpu_instance = event.value("gi", kNoInstance);
        data->compute_instance = event.value("ci", kNoInstance);
        const json gpus = told.value("gpus", json::array());
        for (std::size_t gpu = 0; gpu < gpus.size(); ++gpu) {
          if (gpus[gpu].value("uuid", "") == event.value("uuid", "none")) {
            data->device = HandleOf(gpu, std::nullopt);
          }
        }
        return kSuccess;
      }
    }
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now());
    if (left.count() <= 0) return kTimeout;
    changes.Wait(left);
  }
}

#endif  // FAKE_NVML_IS_OLD
}
