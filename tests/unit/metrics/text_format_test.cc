#include "lib/metrics/text_format.h"

#include "gtest/gtest.h"

namespace nodedevice::testing {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricType;

TEST(TextFormatTest, WritesFamiliesWithHelpTypeAndEscapedLabels) {
  ClientMetric metric;
  metric.label = {{"reason", "a \"quoted\"\nline \\"}};
  metric.gauge.value = 1;
  EXPECT_EQ(ToMetricsText({{"x_info", "What it is.", MetricType::Gauge, {metric}}}),
            "# HELP x_info What it is.\n"
            "# TYPE x_info gauge\n"
            "x_info{reason=\"a \\\"quoted\\\"\\nline \\\\\"} 1\n");
}

TEST(TextFormatTest, ClosesAHistogramWithInfinity) {
  ClientMetric metric;
  metric.histogram = {.sample_count = 3, .sample_sum = 2.5, .bucket = {{1, 0.1}, {2, 1}}};
  EXPECT_EQ(ToMetricsText({{"x_seconds", "Time.", MetricType::Histogram, {metric}}}),
            "# HELP x_seconds Time.\n"
            "# TYPE x_seconds histogram\n"
            "x_seconds_count 3\n"
            "x_seconds_sum 2.5\n"
            "x_seconds_bucket{le=\"0.1\"} 1\n"
            "x_seconds_bucket{le=\"1\"} 2\n"
            "x_seconds_bucket{le=\"+Inf\"} 3\n");
}

}  // namespace
}  // namespace nodedevice::testing
