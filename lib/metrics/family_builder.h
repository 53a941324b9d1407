#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "lib/metrics/histogram.h"
#include "prometheus/metric_family.h"

namespace nodedevice {

// Makes one family of metrics, series by series.
class FamilyBuilder {
 public:
  using Labels = std::vector<prometheus::ClientMetric::Label>;

  FamilyBuilder(prometheus::MetricType type, std::string name, std::string help)
      : family_{std::move(name), std::move(help), type, {}} {}

  // Of a counter or a gauge.
  template <typename Number>
  void Add(Labels labels, Number value) {
    prometheus::ClientMetric metric;
    metric.label = std::move(labels);
    const auto number = static_cast<double>(value);
    (family_.type == prometheus::MetricType::Counter ? metric.counter.value : metric.gauge.value) =
        number;
    family_.metric.push_back(std::move(metric));
  }

  // Of a histogram: `buckets` are cumulative, each up to the bound at the same place.
  template <typename Buckets, typename Bounds>
  void AddHistogram(Labels labels, const Buckets& buckets, const Bounds& bounds,
                    std::uint64_t count, double sum) {
    prometheus::ClientMetric metric;
    metric.label = std::move(labels);
    metric.histogram.sample_count = count;
    metric.histogram.sample_sum = sum;
    for (std::size_t i = 0; i < bounds.size(); ++i) {
      metric.histogram.bucket.push_back({buckets[i], bounds[i]});
    }
    family_.metric.push_back(std::move(metric));
  }
  template <const auto& kBounds>
  void AddHistogram(Labels labels, const Histogram<kBounds>& histogram) {
    AddHistogram(std::move(labels), histogram.buckets, kBounds, histogram.count, histogram.sum);
  }

  prometheus::MetricFamily Take() { return std::move(family_); }
  // A family without series is left out.
  void MoveTo(std::vector<prometheus::MetricFamily>& families) {
    if (!family_.metric.empty()) families.push_back(std::move(family_));
  }

 private:
  prometheus::MetricFamily family_;
};

}  // namespace nodedevice
