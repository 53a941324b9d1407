#include "plugin/nvidia/cos_gpus.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "lib/api/gpu_partitions.h"
#include "lib/base/file.h"

namespace nodedevice {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxProcFile = 64u << 10;

// "nvidia12" and "nvidia" -> 12; nullopt when something else follows the beginning.
std::optional<unsigned> NumberAfter(std::string_view begin, std::string_view name) {
  if (!name.starts_with(begin)) return std::nullopt;
  const std::string_view digits = name.substr(begin.size());
  const bool all_digits = std::ranges::all_of(
      digits, [](char c) { return absl::ascii_isdigit(static_cast<unsigned char>(c)); });
  unsigned number = 0;
  if (!all_digits || !absl::SimpleAtoi(absl::string_view(digits.data(), digits.size()), &number)) {
    return std::nullopt;
  }
  return number;
}

// The entries of a folder that are called "<begin><number>", by number.
std::map<unsigned, fs::path> Numbered(const fs::path& folder, std::string_view begin) {
  std::map<unsigned, fs::path> found;
  for (const std::string& name : NamesIn(folder)) {
    if (const auto number = NumberAfter(begin, name)) found.emplace(*number, folder / name);
  }
  return found;
}

// The number in the line "<key>: <number>" of a file.
std::optional<unsigned> ReadNumber(const fs::path& file, std::string_view key) {
  const auto text = ReadFile(file, kMaxProcFile);
  if (!text.ok()) return std::nullopt;
  for (const absl::string_view line : absl::StrSplit(*text, '\n')) {
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(line, absl::MaxSplits(':', 1));
    unsigned number = 0;
    if (absl::StripAsciiWhitespace(parts.first) == absl::string_view(key.data(), key.size()) &&
        absl::SimpleAtoi(absl::StripAsciiWhitespace(parts.second), &number)) {
      return number;
    }
  }
  return std::nullopt;
}

// What of a partition's device nodes is wrong is its problem.
CosPartition ReadPartition(const HostRoot& host, unsigned gpu, unsigned instance,
                           const std::string& folder) {
  CosPartition partition;
  partition.gpu_instance = instance;
  partition.nodes.push_back(absl::StrCat("/dev/nvidia", gpu));
  for (const char* file : {"access", "ci0/access"}) {
    const std::string path = absl::StrCat(folder, "/gi", instance, "/", file);
    const auto minor = ReadNumber(host.Resolve(path), "DeviceFileMinor");
    if (!minor) {
      partition.problem = absl::StrCat(path, " does not say which device node opens it");
      return partition;
    }
    partition.nodes.push_back(absl::StrCat("/dev/nvidia-caps/nvidia-cap", *minor));
  }
  return partition;
}

}  // namespace

std::vector<CosGpu> ReadCosGpus(const HostRoot& host) {
  std::map<unsigned, std::string> addresses;  // by minor number
  const fs::path known = host.Resolve("/proc/driver/nvidia/gpus");
  for (const std::string& address : NamesIn(known)) {
    if (const auto minor = ReadNumber(known / address / "information", "Device Minor")) {
      addresses.emplace(*minor, address);
    }
  }
  std::vector<CosGpu> gpus;
  for (const auto& [minor, node] : Numbered(host.Resolve("/dev"), "nvidia")) {
    CosGpu& gpu = gpus.emplace_back();
    gpu.minor = minor;
    if (const auto found = addresses.find(minor); found != addresses.end()) {
      gpu.pci_bus_id = found->second;
    }
    const std::string folder = absl::StrCat("/proc/driver/nvidia/capabilities/gpu", minor, "/mig");
    for (const auto& [instance, path] : Numbered(host.Resolve(folder), "gi")) {
      gpu.partitions.push_back(ReadPartition(host, minor, instance, folder));
    }
  }
  return gpus;
}

std::string CosName(unsigned minor) { return absl::StrCat("nvidia", minor); }

std::string CosPartitionName(unsigned minor, unsigned gpu_instance) {
  return absl::StrCat(CosName(minor), "/gi", gpu_instance);
}

std::vector<DeviceFigures> CosFigures(const Gpus& gpus, std::vector<DeviceFigures> figures) {
  std::map<std::string, std::string> names;  // by UUID
  std::set<std::string> partitions;
  for (const Gpu& gpu : gpus.gpus) {
    if (!gpu.minor) continue;
    names.emplace(gpu.uuid, CosName(*gpu.minor));
    for (const MigDevice& mig : gpu.mig_devices) {
      // Memory is that of the whole instance, whichever of those that compute in it is asked.
      std::string name = CosPartitionName(*gpu.minor, mig.gpu_instance);
      if (partitions.insert(name).second) names.emplace(mig.uuid, std::move(name));
    }
  }
  std::erase_if(figures, [&](const DeviceFigures& device) { return !names.contains(device.id); });
  for (DeviceFigures& device : figures) device.id = names.at(device.id);
  return figures;
}

std::optional<int> PartitionsOfSize(std::string_view size) {
  const auto* found =
      std::ranges::find(kGpuPartitions, size, &std::pair<std::string_view, int>::first);
  if (found == kGpuPartitions.end()) return std::nullopt;
  return found->second;
}

std::string PartitionProblem(const std::vector<CosGpu>& gpus, const std::string& size) {
  const int wanted = PartitionsOfSize(size).value_or(0);
  for (const CosGpu& gpu : gpus) {
    if (gpu.partitions.size() == static_cast<std::size_t>(wanted)) continue;
    return absl::StrCat("partitionSize ", size, " wants ", wanted,
                        " partitions of each GPU of the node; /dev/nvidia", gpu.minor, " has ",
                        gpu.partitions.size());
  }
  return "";
}

}  // namespace nodedevice
