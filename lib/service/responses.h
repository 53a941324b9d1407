#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lib/metrics/http_response.h"
#include "lib/metrics/tls_credentials.h"
#include "prometheus/metric_family.h"

namespace nodedevice {

// 200 "ok", or 503 with one reason a line.
HttpResponse OkUnless(const std::vector<std::string>& reasons);

// The certificate that something is served with, which expires at `not_after` (Unix seconds).
prometheus::MetricFamily CertificateExpiry(std::int64_t not_after);

// The families and what every program of ours exports: process_*, and when the certificate that it
// serves with expires, if there is one.
HttpResponse MetricsResponse(std::vector<prometheus::MetricFamily> families,
                             const TlsCredentials* tls);

}  // namespace nodedevice
