#include "lib/metrics/process_metrics.h"

#include <unistd.h>

#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "lib/base/file.h"

namespace nodedevice {
namespace {

using prometheus::MetricFamily;
using prometheus::MetricType;

constexpr std::size_t kStatLimit = 64u << 10;
// /proc/stat grows with CPUs and interrupts; btime stands near its end.
constexpr std::size_t kSystemStatLimit = 8u << 20;

// Fields of /proc/self/stat after the command, which may itself hold blanks; state is the first.
constexpr std::size_t kUserTicks = 11;
constexpr std::size_t kSystemTicks = 12;
constexpr std::size_t kStartTicks = 19;
constexpr std::size_t kVirtualBytes = 20;
constexpr std::size_t kResidentPages = 21;

std::optional<double> Number(std::string_view text) {
  double value = 0;
  if (!absl::SimpleAtod(absl::string_view(text.data(), text.size()), &value)) return std::nullopt;
  return value;
}

class Families {
 public:
  void Add(MetricType type, std::string name, std::string help, std::optional<double> value) {
    if (!value) return;
    prometheus::ClientMetric metric;
    (type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = *value;
    families_.push_back({std::move(name), std::move(help), type, {std::move(metric)}});
  }
  std::vector<MetricFamily> Take() { return std::move(families_); }

 private:
  std::vector<MetricFamily> families_;
};

// The number behind the first line that begins with `prefix`.
std::optional<double> LineValue(const absl::StatusOr<std::string>& text, std::string_view prefix) {
  if (!text.ok()) return std::nullopt;
  for (const absl::string_view line : absl::StrSplit(*text, '\n')) {
    if (!absl::StartsWith(line, absl::string_view(prefix.data(), prefix.size()))) continue;
    const std::vector<std::string> words =
        absl::StrSplit(line.substr(prefix.size()), ' ', absl::SkipEmpty());
    return words.empty() ? std::nullopt : Number(words.front());
  }
  return std::nullopt;
}

std::optional<double> CountEntries(const std::filesystem::path& directory) {
  std::error_code error;
  const std::filesystem::directory_iterator entries(directory, error);
  if (error) return std::nullopt;
  return static_cast<double>(std::distance(begin(entries), end(entries)));
}

}  // namespace

std::vector<MetricFamily> ProcessMetrics(const std::filesystem::path& proc) {
  const std::filesystem::path self = proc / "self";
  std::vector<std::string> fields;
  if (const auto stat = ReadFile(self / "stat", kStatLimit); stat.ok()) {
    const std::size_t end_of_command = stat->rfind(')');
    if (end_of_command != std::string::npos) {
      fields = absl::StrSplit(stat->substr(end_of_command + 1), ' ', absl::SkipEmpty());
    }
  }
  const auto field = [&fields](std::size_t index) -> std::optional<double> {
    if (index >= fields.size()) return std::nullopt;
    return Number(fields[index]);
  };
  const auto ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
  const auto page = static_cast<double>(::sysconf(_SC_PAGESIZE));
  const std::optional<double> user = field(kUserTicks);
  const std::optional<double> system = field(kSystemTicks);
  const std::optional<double> started = field(kStartTicks);
  const std::optional<double> resident = field(kResidentPages);
  const std::optional<double> boot = LineValue(ReadFile(proc / "stat", kSystemStatLimit), "btime ");

  Families families;
  families.Add(MetricType::Counter, "process_cpu_seconds_total",
               "Total user and system CPU time spent in seconds.",
               user && system ? std::optional((*user + *system) / ticks) : std::nullopt);
  families.Add(MetricType::Gauge, "process_resident_memory_bytes", "Resident memory size in bytes.",
               resident ? std::optional(*resident * page) : std::nullopt);
  families.Add(MetricType::Gauge, "process_virtual_memory_bytes", "Virtual memory size in bytes.",
               field(kVirtualBytes));
  families.Add(MetricType::Gauge, "process_open_fds", "Number of open file descriptors.",
               CountEntries(self / "fd"));
  families.Add(MetricType::Gauge, "process_max_fds", "Maximum number of open file descriptors.",
               LineValue(ReadFile(self / "limits", kStatLimit), "Max open files "));
  families.Add(MetricType::Gauge, "process_start_time_seconds",
               "Start time of the process since unix epoch in seconds.",
               started && boot ? std::optional(*boot + *started / ticks) : std::nullopt);
  return families.Take();
}

}  // namespace nodedevice
