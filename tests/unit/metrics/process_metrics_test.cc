#include "lib/metrics/process_metrics.h"

#include <unistd.h>

#include <ctime>
#include <map>
#include <optional>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/temp_dir.h"

namespace nodedevice::testing {
namespace {

using ::testing::IsEmpty;

std::map<std::string, double> Values(const std::vector<prometheus::MetricFamily>& families) {
  std::map<std::string, double> values;
  for (const auto& family : families) {
    const auto& metric = family.metric.at(0);
    values[family.name] =
        family.type == prometheus::MetricType::Counter ? metric.counter.value : metric.gauge.value;
  }
  return values;
}

TEST(ProcessMetricsTest, ReadsAProcFolder) {
  TempDir proc;
  // A command with blanks and brackets, as an adversary would name it.
  proc.Write("self/stat",
             "42 (a) (b c) S 1 1 1 0 -1 0 0 0 0 0 300 200 0 0 20 0 1 0 5000 123456789 250 9\n");
  proc.Write("self/limits",
             "Limit                     Soft Limit           Hard Limit           Units\n"
             "Max open files            1024                 4096                 files\n");
  proc.Write("self/fd/0", "");
  proc.Write("self/fd/1", "");
  proc.Write("self/fd/7", "");
  proc.Write("stat", "cpu 1 2 3\nbtime 1700000000\nprocesses 7\n");

  const double ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
  const auto values = Values(ProcessMetrics(proc.path()));
  EXPECT_EQ(values.size(), 6u);
  EXPECT_DOUBLE_EQ(values.at("process_cpu_seconds_total"), 500 / ticks);
  EXPECT_EQ(values.at("process_resident_memory_bytes"),
            250.0 * static_cast<double>(::sysconf(_SC_PAGESIZE)));
  EXPECT_EQ(values.at("process_virtual_memory_bytes"), 123456789);
  EXPECT_EQ(values.at("process_open_fds"), 3);
  EXPECT_EQ(values.at("process_max_fds"), 1024);
  EXPECT_DOUBLE_EQ(values.at("process_start_time_seconds"), 1700000000 + 5000 / ticks);
}

TEST(ProcessMetricsTest, LeavesOutWhatItCannotRead) {
  TempDir proc;
  EXPECT_THAT(ProcessMetrics(proc.path()), IsEmpty());
  proc.Write("self/stat", "42 (x) S 1");
  proc.Write("self/limits", "Max open files            unlimited\n");
  proc.Write("stat", "btime\n");
  EXPECT_THAT(ProcessMetrics(proc.path()), IsEmpty());
}

TEST(ProcessMetricsTest, FitsThisProcess) {
  const auto values = Values(ProcessMetrics());
  EXPECT_EQ(values.size(), 6u);
  const auto now = static_cast<double>(std::time(nullptr));
  EXPECT_GT(values.at("process_start_time_seconds"), now - 24 * 3600);
  EXPECT_LT(values.at("process_start_time_seconds"), now + 2);
  EXPECT_GT(values.at("process_resident_memory_bytes"), 100'000);
  EXPECT_GE(values.at("process_virtual_memory_bytes"), values.at("process_resident_memory_bytes"));
  EXPECT_GE(values.at("process_open_fds"), 3);
}

}  // namespace
}  // namespace nodedevice::testing
