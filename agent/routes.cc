#include "agent/routes.h"

#include <iterator>

#include "absl/strings/str_join.h"
#include "agent/metrics.h"
#include "agent/page.h"
#include "agent/readiness.h"
#include "lib/metrics/process_metrics.h"
#include "lib/metrics/text_format.h"

namespace nodedevice {
namespace {

// 200 "ok", or 503 with one reason a line.
HttpResponse OkUnless(const std::vector<std::string>& reasons) {
  if (reasons.empty()) return {.body = "ok\n"};
  return {.status = 503, .body = absl::StrCat(absl::StrJoin(reasons, "\n"), "\n")};
}

HttpResponse Metrics(const Snapshot& snapshot, const TlsCredentials* tls) {
  std::vector<prometheus::MetricFamily> families = ToMetrics(snapshot);
  if (tls) families.push_back(CertificateExpiry(tls->not_after()));
  std::vector<prometheus::MetricFamily> process = ProcessMetrics();
  families.insert(families.end(), std::make_move_iterator(process.begin()),
                  std::make_move_iterator(process.end()));
  return {.content_type = kMetricsContentType, .body = ToMetricsText(families)};
}

}  // namespace

HttpServer::Routes AgentRoutes(const Published<Snapshot>& published, const TlsCredentials* tls) {
  HttpServer::Routes routes;
  routes["/metrics"] = [&published, tls] {
    const Latest<Snapshot> snapshot = published.Get();
    return Metrics(*snapshot, tls);
  };
  routes["/healthz"] = [&published] {
    const Latest<Snapshot> snapshot = published.Get();
    return OkUnless(NotAliveReasons(*snapshot, Clock::now()));
  };
  routes["/readyz"] = [&published] {
    const Latest<Snapshot> snapshot = published.Get();
    return OkUnless(NotReadyReasons(*snapshot));
  };
  routes["/"] = [&published] {
    const Latest<Snapshot> snapshot = published.Get();
    return HttpResponse{.content_type = "text/html; charset=utf-8",
                        .body = RenderPage(*snapshot, Clock::now())};
  };
  return routes;
}

}  // namespace nodedevice
