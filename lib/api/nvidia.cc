// The family nvidia of a plugin entry.

#include "lib/api/nvidia.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_join.h"
#include "lib/api/gpu_partitions.h"
#include "lib/api/host_path.h"
#include "lib/api/plugin_spec.h"

namespace nodedevice {
namespace {

constexpr std::size_t kMaxXids = 64;
constexpr std::int64_t kMaxXid = 9'999;
constexpr std::int64_t kMaxQuietSeconds = 86'400;
constexpr std::int64_t kMaxMetricsSeconds = 3'600;
constexpr std::chrono::seconds kMetricsInterval(30);
constexpr std::size_t kMaxAnnotationPrefix = 253;
// Where Container-Optimized OS has the driver; users of a node cannot write there either.
constexpr std::string_view kCosFolder = "/home/kubernetes/bin/";

absl::Status CheckDriverRoot(std::string_view path, HostPathPolicy policy) {
  if (path == "/") return absl::OkStatus();
  if (path.starts_with(kCosFolder)) policy = HostPathPolicy::kAny;
  return CheckHostPath(path, policy);
}

absl::Status CheckAnnotationPrefix(std::string_view prefix) {
  const auto is_word = [](char c) {
    return absl::ascii_isdigit(static_cast<unsigned char>(c)) ||
           absl::ascii_islower(static_cast<unsigned char>(c));
  };
  const std::string_view domain = prefix.substr(0, prefix.empty() ? 0 : prefix.size() - 1);
  const bool good =
      prefix.size() <= kMaxAnnotationPrefix && prefix.ends_with('/') && !domain.empty() &&
      is_word(domain.front()) && is_word(domain.back()) &&
      std::ranges::all_of(domain, [&](char c) { return is_word(c) || c == '.' || c == '-'; });
  if (good) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("must be a domain of lower case letters, digits, '-' and '.' with a '/' at its "
                   "end, such as cdi.k8s.io/, is ",
                   Quoted(prefix)));
}

// How shares of a GPU share it.
void ReadMps(ObjectReader& reader, HostPathPolicy policy, Nvidia& nvidia) {
  using Strategy = Nvidia::SharingStrategy;
  nvidia.sharing_strategy =
      reader
          .Choice<Strategy>("sharingStrategy",
                            {{"timeSlicing", Strategy::kTimeSlicing}, {"mps", Strategy::kMps}})
          .value_or(nvidia.sharing_strategy);
  if (UsesMps(nvidia) && nvidia.mig_strategy == Nvidia::MigStrategy::kMixed) {
    reader.Fail("sharingStrategy", "must not be mps with migStrategy mixed: MPS shares whole GPUs");
  }
  if (auto root = reader.Text("mpsRoot");
      root && reader.Check("mpsRoot", CheckHostPath(*root, policy))) {
    nvidia.mps_root = *std::move(root);
  }
  if (reader.Has("mpsRoot") && !UsesMps(nvidia) && !reader.Has("configFile")) {
    reader.Fail("mpsRoot", "applies with sharingStrategy mps or configFile only");
  }
}

bool CheckPartitionSize(const std::string& size, ObjectReader& reader) {
  using Entry = std::pair<std::string_view, int>;
  if (std::ranges::find(kGpuPartitions, size, &Entry::first) != kGpuPartitions.end()) return true;
  const std::string sizes = absl::StrJoin(
      kGpuPartitions, ", ", [](std::string* out, const Entry& entry) { out->append(entry.first); });
  reader.Fail("partitionSize", absl::StrCat("must be one of ", sizes, ", is ", Quoted(size)));
  return false;
}

}  // namespace

std::optional<Nvidia::MigStrategy> ReadMigStrategy(ObjectReader& reader) {
  return reader.Choice<Nvidia::MigStrategy>("migStrategy",
                                            {{"none", Nvidia::MigStrategy::kNone},
                                             {"single", Nvidia::MigStrategy::kSingle},
                                             {"mixed", Nvidia::MigStrategy::kMixed}});
}

std::vector<Nvidia::ListStrategy> ReadListStrategies(const std::vector<Element>& entries,
                                                     FieldErrors& errors) {
  using Strategy = Nvidia::ListStrategy;
  static constexpr std::pair<std::string_view, Strategy> kWords[] = {
      {"envvar", Strategy::kEnvvar},
      {"volume-mounts", Strategy::kVolumeMounts},
      {"cdi-annotations", Strategy::kCdiAnnotations},
      {"cdi-cri", Strategy::kCdiCri}};
  std::vector<Strategy> strategies;
  for (const Element& entry : entries) {
    const std::optional<std::string> text = ReadText(entry, errors);
    if (!text) continue;
    const auto found =
        std::ranges::find(kWords, *text, &std::pair<std::string_view, Strategy>::first);
    if (found == std::end(kWords)) {
      errors.Add(entry.path,
                 absl::StrCat("must be one of envvar, volume-mounts, cdi-annotations, cdi-cri, is ",
                              Quoted(*text)));
    } else if (std::ranges::find(strategies, found->second) != strategies.end()) {
      errors.Add(entry.path, absl::StrCat(Quoted(*text), " stands here twice"));
    } else {
      strategies.push_back(found->second);
    }
  }
  return strategies;
}

void ReadGpuNaming(ObjectReader& reader, Nvidia& nvidia) {
  nvidia.device_id_strategy =
      reader
          .Choice<Nvidia::IdStrategy>("deviceIDStrategy", {{"uuid", Nvidia::IdStrategy::kUuid},
                                                           {"index", Nvidia::IdStrategy::kIndex}})
          .value_or(nvidia.device_id_strategy);
  nvidia.pass_device_specs = reader.Bool("passDeviceSpecs").value_or(nvidia.pass_device_specs);
  if (auto prefix = reader.Text("cdiAnnotationPrefix");
      prefix && reader.Check("cdiAnnotationPrefix", CheckAnnotationPrefix(*prefix))) {
    nvidia.cdi_annotation_prefix = *std::move(prefix);
  }
}

namespace {

XidPolicy ReadXids(const Element& element, FieldErrors& errors) {
  XidPolicy xids;
  ObjectReader reader(element, errors);
  for (const std::int64_t xid : reader.IntegerList("ignored", kMaxXids, 1, kMaxXid)) {
    xids.ignored.push_back(static_cast<int>(xid));
  }
  for (const std::int64_t xid : reader.IntegerList("critical", kMaxXids, 1, kMaxXid)) {
    xids.critical.push_back(static_cast<int>(xid));
  }
  if (const auto quiet = reader.Integer("quietSeconds", 1, kMaxQuietSeconds)) {
    xids.quiet = std::chrono::seconds(*quiet);
  }
  reader.RejectUnknown();
  return xids;
}

std::chrono::seconds ReadMetrics(const Element& element, FieldErrors& errors) {
  ObjectReader reader(element, errors);
  const auto seconds = reader.Integer("intervalSeconds", 1, kMaxMetricsSeconds);
  reader.RejectUnknown();
  return seconds ? std::chrono::seconds(*seconds) : kMetricsInterval;
}

}  // namespace

Nvidia ReadNvidia(const Element& element, HostPathPolicy policy, FieldErrors& errors) {
  Nvidia nvidia;
  ObjectReader reader(element, errors);
  nvidia.layout = reader
                      .Choice<Nvidia::Layout>("layout", {{"nvml", Nvidia::Layout::kNvml},
                                                         {"cos", Nvidia::Layout::kCos}})
                      .value_or(nvidia.layout);
  if (auto root = reader.Text("driverRoot");
      root && reader.Check("driverRoot", CheckDriverRoot(*root, policy))) {
    nvidia.driver_root = *std::move(root);
  }
  nvidia.mig_strategy = ReadMigStrategy(reader).value_or(nvidia.mig_strategy);
  if (reader.Has("deviceListStrategy")) {
    nvidia.device_list_strategy =
        ReadListStrategies(reader.NonEmptyList("deviceListStrategy", kMaxListStrategies), errors);
  }
  ReadGpuNaming(reader, nvidia);
  if (auto path = reader.Text("configFile");
      path && reader.Check("configFile", CheckHostPath(*path, policy))) {
    nvidia.config_file = *std::move(path);
  }
  ReadMps(reader, policy, nvidia);
  if (auto size = reader.Text("partitionSize"); size && CheckPartitionSize(*size, reader)) {
    nvidia.partition_size = *std::move(size);
  }
  const bool cos = nvidia.layout == Nvidia::Layout::kCos;
  for (const std::string_view key : {"migStrategy", "deviceListStrategy", "deviceIDStrategy",
                                     "passDeviceSpecs", "cdiAnnotationPrefix", "sharingStrategy"}) {
    if (!reader.Has(key)) continue;
    if (cos) {
      reader.Fail(key, "does not apply to layout cos");
    } else if (reader.Has("configFile")) {
      reader.Fail(key, "does not apply with configFile, which says it");
    }
  }
  for (const std::string_view key : {"configFile", "mpsRoot"}) {
    if (cos && reader.Has(key)) reader.Fail(key, "does not apply to layout cos");
  }
  if (cos && nvidia.driver_root == "/") {
    reader.Fail("driverRoot", "must not be / with layout cos, which mounts it into containers");
  }
  if (!cos && reader.Has("partitionSize")) {
    reader.Fail("partitionSize", "applies to layout cos only");
  }
  if (const auto xids = reader.Any("xids")) nvidia.xids = ReadXids(*xids, errors);
  if (const auto metrics = reader.Any("metrics")) {
    nvidia.metrics_interval = ReadMetrics(*metrics, errors);
  }
  reader.RejectUnknown();
  return nvidia;
}

}  // namespace nodedevice
