#include "lib/service/responses.h"

#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "lib/metrics/family_builder.h"
#include "lib/metrics/process_metrics.h"
#include "lib/metrics/text_format.h"

namespace nodedevice {

using prometheus::MetricFamily;

MetricFamily CertificateExpiry(std::int64_t not_after) {
  FamilyBuilder expiry(
      prometheus::MetricType::Gauge, "nodedevice_tls_certificate_expiry_seconds",
      "When the certificate that this is served with expires, in seconds since the Unix epoch.");
  expiry.Add({}, not_after);
  return expiry.Take();
}

HttpResponse OkUnless(const std::vector<std::string>& reasons) {
  if (reasons.empty()) return {.body = "ok\n"};
  return {.status = 503, .body = absl::StrCat(absl::StrJoin(reasons, "\n"), "\n")};
}

HttpResponse MetricsResponse(std::vector<MetricFamily> families, const TlsCredentials* tls) {
  if (tls != nullptr) families.push_back(CertificateExpiry(tls->not_after()));
  std::vector<MetricFamily> process = ProcessMetrics();
  families.insert(families.end(), std::make_move_iterator(process.begin()),
                  std::make_move_iterator(process.end()));
  return {.content_type = kMetricsContentType, .body = ToMetricsText(families)};
}

}  // namespace nodedevice
