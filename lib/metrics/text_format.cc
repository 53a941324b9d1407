#include "lib/metrics/text_format.h"

#include <sstream>

#include "prometheus/text_serializer.h"

namespace nodedevice {

std::string ToMetricsText(const std::vector<prometheus::MetricFamily>& families) {
  std::ostringstream out;
  prometheus::TextSerializer().Serialize(out, families);
  return out.str();
}

}  // namespace nodedevice
